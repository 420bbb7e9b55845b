"""The one log over real processes, whatever is killed: nothing acknowledged is lost, nothing is told twice."""
