"""The commands, a file for each kind. Each opens the settings, does one thing and says where the result is."""
