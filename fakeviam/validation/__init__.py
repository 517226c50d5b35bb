"""The one validation layer: everything that comes from outside is checked by a model of it.

    class ClockRequest(Model):
        set: Omittable[Time] = Field(default=None, description="…", examples=["2026-01-31"])
        freeze: Flag = Field(default=False, description="…", examples=[True])

    request = validate(ClockRequest, parse_json(body))

`json_text`: JSON from bytes; refuses what JSON cannot say (NaN, 1e400) as `JsonError`.
`models`: `Model`, the base class, and `validate`, which raises `InvalidError` with every problem.
`types`: the types of fields. All text can be encoded as UTF-8, all numbers are finite.
`problems`: `Problem`, what is wrong with which field; `Words`, how its text names types.
`scalars`: `Unquoted`, text that becomes a number or a flag where one is wanted (YAML, URL queries).
`schema`: JSON Schema of models, for editors and OpenAPI.

Three kinds of callers:

* **Files** (seeds) map `problem.path` to a line and print `problem.text` behind it.
* **HTTP** answers 422 with `problem.field`, `problem.sentence`, `problem.value` and `problem.hint`
  of the first problem.
* **Python constructors** call `validate(…, words=PYTHON_WORDS, subject="fault")` and let the
  `InvalidError` pass: it is a `UsageError` that names the parameter.

Checks of the domain go into a field's type as `Accepted(check)`, or into a model validator
decorated with `refusable`, so that a refusal becomes a problem of that field. Avoid unions in
fields: paths of problems would name their members. Use `OneOrMany`, `Shorthand`, `Parsed` or a
discriminator.

pydantic takes about 70 ms to import, so this package imports nothing by itself and nobody imports
`models`, `types` or `schema` before there is something to check.
"""
