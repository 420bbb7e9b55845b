"""What a service keeps of others, written by whoever watches them (design idea 4), so that no request asks two."""
