"""Errors of records that do not convert: Firehose's codes and phrases, never a value of the record.

A message begins with the phrase of real error records; what follows in brackets is ours. AWS adds the exception's own
text, which quotes the value ("For input string: "oops""); we leave it out.

Source: real error records of 2026, and the AWS developer guide, "Handling errors for data format conversion".
"""

PARSE_ERROR = "DataFormatConversion.ParseError"
MALFORMED_DATA = "DataFormatConversion.MalformedData"
INVALID_SCHEMA = "DataFormatConversion.InvalidSchema"

MALFORMED_JSON = "Encountered malformed JSON."
EMPTY = "The record was empty or contained only whitespace."
TOP_PRIMITIVE = "The input JSON contained a primitive at the top level. The top level must be an object or array."
MISMATCH = "Data does not match the schema."
SCHEMA = "The schema is invalid. One or more columns have types that are not supported by"

# MISMATCH with the SerDe's exception, as observed; some of these end in the value, which is left out.
FOR_INPUT = f"{MISMATCH} For input string"
NOT_AN_OBJECT = f"{MISMATCH} Data is not JSONObject  but"  # two spaces, as on the wire
START_OF_ARRAY = f"{MISMATCH} java.io.IOException: Start of Array expected"
START_OF_OBJECT = f"{MISMATCH} java.io.IOException: Start of Object expected"
# The Hive JSON SerDe's field validator does not mention the schema.
INCORRECT_FORMAT = "One or more fields have incorrect format. Exception when validating field (root)"


class RowError(Exception):
    """A record that does not convert: Firehose's code and a message without any of the record's values."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def malformed(phrase: str, detail: str = "") -> RowError:
    """Returns an error of the code MalformedData.

    (MISMATCH, "qty: expected int") -> "Data does not match the schema. [qty: expected int]"
    """
    return RowError(MALFORMED_DATA, f"{phrase} [{detail}]" if detail else phrase)
