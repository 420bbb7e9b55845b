"""What may be done once, sent twenty times at once over two replicas of gateway and identity."""
