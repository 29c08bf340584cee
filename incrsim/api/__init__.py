"""The REST API: upstream's ten administrative routes, ours beside them, and a server that a worker can host (C-36).

`serve` is where to begin; `create_api` makes the same application for a server of your own. Everything that they do is
done by `operators`, `catalog` and `app`: this package adds permissions, HTTP's words, and upstream's.
"""

from incrsim.errors import MissingExtra

try:
    import fastapi  # noqa: F401 -- looked for here, so that whatever is imported from this package says what to install
    import uvicorn  # noqa: F401 -- likewise
except ImportError as error:
    raise MissingExtra("the REST API needs FastAPI and uvicorn: pip install 'incrsim[api]'") from error

from incrsim.api.access import Permission
from incrsim.api.application import create_api
from incrsim.api.server import ApiServer, serve
from incrsim.api.settings import ApiSettings

__all__ = ["ApiServer", "ApiSettings", "Permission", "create_api", "serve"]
