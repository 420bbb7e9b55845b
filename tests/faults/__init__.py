"""While a part of the platform is away: a refusal that says so, in time, and nobody else's business."""
