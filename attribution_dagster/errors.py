"""Errors a user can act on. Each message names the thing (file, column, value) and the remedy.

AttributionError
├── ConfigurationError   a setting, a profile or an option is wrong
├── SourceError          the events can't be read: a file, a column, a connection
├── DataError            the events were read and can't be used: empty window, one class, too many rejected rows
├── MissingInputError    a stage needs a slice that nobody has made yet
└── DeliveryError        a message was not taken by whom it was for
"""


class AttributionError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigurationError(AttributionError):
    """A setting, a dataset profile or a command-line option is wrong."""


class SourceError(AttributionError):
    """The source of events can't be read."""


class DataError(AttributionError):
    """The events can be read but not used."""


class MissingInputError(AttributionError):
    """A stage needs a slice of a table or an artifact that has not been made."""


class DeliveryError(AttributionError):
    """A message was not taken by whom it was for."""
