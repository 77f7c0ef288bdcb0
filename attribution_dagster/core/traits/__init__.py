"""Customer traits: what customers are like, learnt from the items they meet in sessions."""
