"""The one validation layer: all outside input is validated by models.

    class ClockRequest(Model):
        set: Omittable[Time] = field("The time to show.", "2026-01-31T12:00:00Z", default=None)
        freeze: Flag = field("Whether to stop the clock.", True, default=False)

    request = validate(ClockRequest, parse_json(body))

`json_text`: strict JSON parsing; `JsonError` for NaN, 1e400 and the like.
`models`: `Model`, the base class; `field` declares a field with description and examples;
`validate` raises `InvalidError` with all problems.
`types`: field types. Text can always be encoded as UTF-8, numbers are finite.
`problems`: `Problem`, a field and what is wrong with it; `Words`, the names of types in texts.
`scalars`: `Unquoted`, text that becomes a number or a flag if the field is one (YAML, queries).
`schema`: JSON Schema of models, for editors and OpenAPI.

There are three kinds of callers:

* **Files** (seeds) map `problem.path` to a line and print `problem.text` behind it.
* **HTTP** answers 422 with `problem.field`, `problem.sentence`, `problem.value` and `problem.hint`
  of the first problem.
* **Python constructors** call `validate(…, words=PYTHON_WORDS, subject="fault")` and let the
  `InvalidError` pass: it is a `UsageError` that names the parameter.

Put checks of the domain into a field's type as `Accepted(check)`, or into a model validator
decorated with `refusable`, so that a refusal becomes a problem of that field. Avoid unions: the
paths of problems would contain their members. Use `OneOrMany`, `Shorthand` or `Parsed`.

pydantic takes about 70 ms to import. This package imports nothing by itself; import `models`,
`types` and `schema` on first use.
"""
