"""Why a record was in an answer, as values."""
