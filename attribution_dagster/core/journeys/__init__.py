"""Ad journeys: what a user saw before each day, what it did to the purchase of that day, and how far that can be believed."""
