"""DataFrames, for those who have pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from incrsim.errors import MissingExtra

if TYPE_CHECKING:
    import pandas as pd

Types: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""Of each column: pandas' name of it, or all words that a category may have, in their order."""

INSTANT, DURATION = "datetime64[us, UTC]", "timedelta64[us]"
WHOLE, REAL, TRUTH = "int64", "float64", "bool"
MAYBE_WHOLE, MAYBE_REAL, TEXT = "Int64", "Float64", "string"
"""Types of columns; those in the last line may be missing."""


def frame(rows: Iterable[Any], columns: Sequence[str]) -> pd.DataFrame:
    """A DataFrame that has its columns also when there are no rows.

    Args:
        rows: tuples in the order of the columns, or mappings by their names.
        columns: the columns' names.

    Raises:
        MissingExtra: when pandas is not installed.
    """
    made: pd.DataFrame = load_pandas().DataFrame(list(rows), columns=list(columns))
    return made


def typed(rows: Iterable[Any], types: Types) -> pd.DataFrame:
    """A DataFrame whose columns have these types, also when there are no rows.

    Args:
        rows: as `frame` takes them.
        types: of the columns, in their order.

    Raises:
        MissingExtra: when pandas is not installed.
    """
    category = load_pandas().CategoricalDtype
    kinds = {name: category(list(kind)) if isinstance(kind, tuple) else kind for name, kind in types.items()}
    return frame(rows, list(types)).astype(kinds)


def load_pandas() -> ModuleType:
    """The library, loaded when it is needed.

    Raises:
        MissingExtra: when it is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtra("DataFrames need pandas: pip install 'incrsim[notebook]'") from error
    return pd
