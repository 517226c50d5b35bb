"""The dialect's grammar, as a configuration of sqlglot's parser.

The parser accepts more than the dialect has. What cannot be switched off here is refused by
`expressions.py` and `statements.py`, which only accept the kinds of nodes that they support.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser as AnyParser
from sqlglot.tokenizer_core import TokenType
from sqlglot.tokens import Tokenizer as AnyTokenizer

from fakeviam.query.sql.errors import SqlError, UnservedSqlError, brief, unexpected, wrong_syntax

#: The maximum length of a statement; parsing a longer one would block the server.
MOST_CHARACTERS = 100_000

#: The name of the function for `SELECT VALUE {…}`; no statement can contain it.
WHOLE_ROW = "SELECT VALUE"

#: Reserved words, which are names only in backticks or double quotes.
_RESERVED = """
aggregate all and any array as asc between bindata bit bool boolean both bson_date bson_timestamp
by case cast char character cross current_timestamp date dbpointer dec decimal depth desc distinct
document double else end error escape exists extract false flatten float for from group having in
index inner int integer is javascript javascriptwithscope join leading left like limit long maxkey
minkey missing natural not null number numeric objectid offset on or order outer path paths position
precision real regex right select separator smallint some string substring symbol then time
timestamp trailing trim true undefined union unwind value values varchar when where with
"""
RESERVED = frozenset(_RESERVED.split())

#: Types by their names in statements.
TYPES = {
    **dict.fromkeys(("bool", "boolean", "bit"), "bool"),
    **dict.fromkeys(("bson_date", "timestamp"), "date"),
    **dict.fromkeys(("decimal", "dec", "numeric"), "decimal"),
    **dict.fromkeys(("double", "real", "float"), "double"),
    **dict.fromkeys(("int", "integer", "smallint"), "int"),
    **dict.fromkeys(("string", "varchar", "char", "character"), "string"),
    "null": "null",
    "long": "long",
    "objectid": "objectId",
    "document": "object",
    "array": "array",
    "bindata": "binData",
    "undefined": "undefined",
    "regex": "regex",
    "dbpointer": "dbPointer",
    "javascript": "javascript",
    "symbol": "symbol",
    "javascriptwithscope": "javascriptWithScope",
    "bson_timestamp": "timestamp",
    "minkey": "minKey",
    "maxkey": "maxKey",
}
_SIZED = frozenset({"decimal", "dec", "numeric", "float", "varchar", "char", "character"})
_FIRST_WORDS = frozenset({"SELECT", "WITH", "FROM"})


def parse(text: str) -> exp.Select:
    """Parse a statement.

    Raises:
        SqlError: It is not a statement of the dialect.
        UnservedSqlError: The fake does not support it.
    """
    if len(text) > MOST_CHARACTERS:
        most = f"at most {MOST_CHARACTERS:,} are served"
        raise wrong_syntax(f"the statement has {len(text):,} characters; {most}")
    if "\0" in text:
        raise wrong_syntax(f"InvalidToken at {text.index(chr(0))}: a null character")
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if first.isalpha() and first.upper() not in _FIRST_WORDS:
        raise unexpected(first, "only SELECT is served, and a statement begins with it")
    try:
        trees = [tree for tree in Dialect.get_or_raise(MongoSql).parse(text) if tree is not None]
    except ParseError as error:
        raise _unparsable(error) from None
    except TokenError as error:
        what = str(error).split("\n")[0]
        raise wrong_syntax(f"{what}; is a quote or a comment open?") from None
    except RecursionError:
        raise wrong_syntax("the statement is nested too deeply") from None
    if not trees:
        raise wrong_syntax("the statement is empty; write SELECT … FROM readings")
    if len(trees) > 1:
        raise unexpected(";", f"one statement is served at a time, got {len(trees)}")
    return _select(trees[0], text)


def _select(tree: exp.Expr, text: str) -> exp.Select:
    if isinstance(tree, exp.Except | exp.Intersect):
        raise unexpected(type(tree).__name__.upper(), "the dialect has UNION alone")
    if isinstance(tree, exp.SetOperation):
        raise UnservedSqlError(type(tree).__name__.upper(), "send its SELECTs one by one")
    if not isinstance(tree, exp.Select):
        raise unexpected(text.split(maxsplit=1)[0], "only SELECT is served")
    return tree


def _unparsable(error: ParseError) -> SqlError:
    if not error.errors:
        return wrong_syntax(str(error))
    first = error.errors[0]
    where = f"at line {first['line']}, column {first['col']}"
    if isinstance(error.__cause__, SqlError):
        return error.__cause__
    token, why = str(first["highlight"]), str(first["description"]).rstrip(". ")
    # The names of the parser's classes and tokens would not help the author of the statement.
    why = "what follows it is missing" if "<class" in why else why.partition(" but got <")[0]
    return unexpected(token, f"{where} ({brief(why)})")


class _Tokenizer(AnyTokenizer):
    QUOTES: ClassVar[list[Any]] = ["'"]
    IDENTIFIERS: ClassVar[list[Any]] = ['"', "`"]
    STRING_ESCAPES: ClassVar[list[str]] = ["'"]
    COMMENTS: ClassVar[list[Any]] = ["--", ("/*", "*/")]


def _after(name: str, *arguments: object) -> exp.Anonymous:
    """A function with its own syntax, represented as a function with plain arguments."""
    return exp.Anonymous(this=name, expressions=list(arguments))


class _Parser(AnyParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    NO_PAREN_FUNCTIONS: ClassVar[dict[object, object]] = {
        TokenType.CURRENT_TIMESTAMP: exp.CurrentTimestamp
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": AnyParser.NO_PAREN_FUNCTION_PARSERS["CASE"]
    }
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CAST": lambda self: self.mongo_cast(),
        "EXTRACT": lambda self: self.mongo_extract(),
        "POSITION": lambda self: self.mongo_position(),
        "SUBSTRING": lambda self: self.mongo_substring(),
        "TRIM": lambda self: self.mongo_trim(),
    }
    RANGE_PARSERS: ClassVar[dict[Any, Any]] = {
        **{
            kind: AnyParser.RANGE_PARSERS[kind]
            for kind in (TokenType.BETWEEN, TokenType.IN, TokenType.LIKE)
        },
        TokenType.IS: lambda self, this: self.mongo_is(this),
    }

    def _parse_group(self, skip_group_by_token: bool = False) -> exp.Group | None:  # noqa: FBT001, FBT002
        """`GROUP BY x [AS y], …`; only this dialect permits AS here."""
        start = self._index
        group = super()._parse_group(skip_group_by_token)
        if group is not None and self._match(TokenType.ALIAS, advance=False):
            self._retreat(start)
            self._match(TokenType.GROUP_BY)
            group = exp.Group(expressions=self._parse_csv(self._mongo_key))
        if group is not None and self._match_text_seq("AGGREGATE"):
            raise UnservedSqlError("GROUP BY … AGGREGATE", "write the aggregates into SELECT")
        return group

    def _mongo_key(self) -> Any:
        key = self._parse_disjunction()
        if key is None:
            self.raise_error("Expected an expression")
        if not self._match(TokenType.ALIAS):
            return key
        name = self._parse_id_var()
        if name is None:
            self.raise_error("Expected a name")
        return exp.Alias(this=key, alias=name)

    def mongo_type(self) -> exp.Var:
        """The name of a type; its size, if any, is parsed and ignored."""
        token = self._curr
        word, *_ = token.text.lower().split() if token else ("",)  # CHARACTER VARYING is one token
        if word not in TYPES:
            self.raise_error("Expected the name of a type")
        self._advance()
        if word == "double":
            self._match_text_seq("PRECISION")
        elif word in {"char", "character"}:
            self._match_text_seq("VARYING")
        if word in _SIZED and self._match(TokenType.L_PAREN):
            self._parse_csv(self._parse_number)
            self._match_r_paren()
        return exp.var(TYPES[word])

    def mongo_cast(self) -> exp.Anonymous:
        """`CAST(x AS type[, y ON NULL][, z ON ERROR])`, after the opening parenthesis."""
        value = self._parse_disjunction()
        if not self._match(TokenType.ALIAS):
            self.raise_error("Expected AS and a type")
        word = self._curr.text if self._curr else ""
        if word.lower() in {"date", "time"}:
            raise SqlError(3030, f"invalid CAST target type '{word}'; use TIMESTAMP")
        kind = self.mongo_type()
        otherwise: dict[str, exp.Expr | None] = {"NULL": exp.null(), "ERROR": exp.null()}
        for event in otherwise:
            index = self._index
            if self._match(TokenType.COMMA):
                instead = self._parse_disjunction()
                if self._match_text_seq("ON", event):
                    otherwise[event] = instead
                else:
                    self._retreat(index)
        return _after("CAST", value, kind, otherwise["NULL"], otherwise["ERROR"])

    def _parse_dcolon(self) -> exp.Var:
        """The type after `::`, or after `::!`, which asserts the type without a conversion."""
        asserted = self._match(TokenType.NOT)
        kind = self.mongo_type()
        return exp.var(f"!{kind.name}") if asserted else kind

    def mongo_extract(self) -> exp.Anonymous:
        """`EXTRACT(unit FROM x)`, after the opening parenthesis."""
        unit = self._parse_var(any_token=True)
        if not self._match(TokenType.FROM):
            self.raise_error("Expected FROM")
        return _after("EXTRACT", unit, self._parse_disjunction())

    def mongo_position(self) -> exp.Anonymous:
        """`POSITION(x IN y)`, after the opening parenthesis."""
        part = self._parse_bitwise()
        if not self._match(TokenType.IN):
            self.raise_error("Expected IN")
        return _after("POSITION", part, self._parse_bitwise())

    def mongo_substring(self) -> exp.Anonymous:
        """`SUBSTRING(x FROM y [FOR z])`, or with commas, after the opening parenthesis."""
        arguments: list[object] = self._parse_csv(self._parse_disjunction)
        if len(arguments) == 1 and self._match(TokenType.FROM):
            arguments.append(self._parse_disjunction())
            if self._match(TokenType.FOR):
                arguments.append(self._parse_disjunction())
        return _after("SUBSTRING", *arguments)

    def mongo_trim(self) -> exp.Anonymous:
        """`TRIM([LEADING|TRAILING|BOTH] [x] [FROM] y)`, after the opening parenthesis."""
        side = "BOTH"
        if self._match_texts(("LEADING", "TRAILING", "BOTH")):
            side = self._prev.text.upper()
        first: object = exp.Literal.string(" ")
        if not self._match(TokenType.FROM):
            first = self._parse_disjunction()
            if not self._match(TokenType.FROM):
                return _after("TRIM", exp.var(side), exp.Literal.string(" "), first)
        return _after("TRIM", exp.var(side), first, self._parse_disjunction())

    def mongo_is(self, this: object) -> object:
        """`x IS [NOT] type`, after IS."""
        negated = self._match(TokenType.NOT)
        if self._match_texts(("MISSING", "NUMBER")):
            kind = exp.var(self._prev.text.lower())
        else:
            kind = self.mongo_type()
        test = self.expression(exp.Is(this=this, expression=kind))
        return self.expression(exp.Not(this=test)) if negated else test

    def _parse_bracket(self, this: Any = None) -> Any:
        if this is None or not self._match(TokenType.L_BRACE, advance=False):
            return super()._parse_bracket(this)
        if isinstance(this, exp.Column) and this.name.upper() in {"VALUE", "VALUES"}:
            return _after(WHOLE_ROW, super()._parse_bracket(None))
        self.raise_error("Unexpected document")
        return None

    def _kv_to_prop_eq(self, expressions: list[exp.Expr], *args: Any, **options: Any) -> Any:
        if any(isinstance(each, exp.Slice) and each.this is None for each in expressions):
            self.raise_error("Expected a name before :")  # sqlglot does not check this
        return super()._kv_to_prop_eq(expressions, *args, **options)

    def _parse_limit(self, *args: Any, **options: Any) -> Any:
        limit = super()._parse_limit(*args, **options)
        if isinstance(limit, exp.Limit) and limit.args.get("offset") is not None:
            # In `LIMIT a, b`, the first number is the offset.
            first, second = limit.args["offset"], limit.expression
            limit.set("expression", first)
            limit.set("offset", second)
        return limit

    def _parse_table(self, *args: Any, **options: Any) -> Any:
        opened = self._next and self._next.token_type == TokenType.L_PAREN
        if opened and self._match_texts(("UNWIND", "FLATTEN")):
            return self._mongo_source(self._prev.text.upper())
        return super()._parse_table(*args, **options)

    def _mongo_source(self, name: str) -> exp.Anonymous:
        """`UNWIND(source WITH PATH => path, …)`, after UNWIND."""
        self._match_l_paren()
        source = self._parse_table()
        options = self._parse_csv(self._mongo_option) if self._match(TokenType.WITH) else []
        self._match_r_paren()
        return _after(name, source, *options)

    def _mongo_option(self) -> exp.PropertyEQ:
        if not self._curr:
            self.raise_error("Expected an option")
        name = self._curr.text.upper()
        if name == "PATHS":  # its value has a different grammar
            raise UnservedSqlError("UNWIND with PATHS", "nest one UNWIND in another")
        self._advance()
        if not self._match(TokenType.FARROW):
            self.raise_error("Expected =>")
        return exp.PropertyEQ(this=exp.var(name), expression=self._parse_disjunction())


class MongoSql(Dialect):
    """MongoDB's dialect of SQL."""

    NORMALIZATION_STRATEGY = NormalizationStrategy.CASE_SENSITIVE
    Tokenizer = _Tokenizer
    Parser = _Parser
