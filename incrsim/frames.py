"""DataFrames, for those who have pandas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from incrsim.errors import MissingExtra

if TYPE_CHECKING:
    import pandas as pd


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
