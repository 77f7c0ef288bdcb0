"""Whether an attribution can be trusted: tests of the explanation, of the model behind it, and of their stability."""
