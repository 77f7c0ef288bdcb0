"""What must hold of a window before people read it: pure expectations, and one adapter to asset checks."""
