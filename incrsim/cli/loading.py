"""From `MODULE:OBJECT` and `--set name=value` to a provider and its options."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from incrsim.cli.failures import UsageError
from incrsim.cli.secrecy import shown, without_secrets
from incrsim.errors import IncrsimError
from incrsim.options import ProviderOptions
from incrsim.provider import check_provider, is_factory

EXAMPLE = "write for example providers.files:Files"


class LoadingError(UsageError):
    """`MODULE:OBJECT` cannot be imported, or does not make a provider."""


def parse_settings(settings: Sequence[str]) -> dict[str, str]:
    """Read `name=value` pairs.

    Raises:
        UsageError: one of them has no name or no `=`, or a name comes twice.
    """
    found: dict[str, str] = {}
    for each in settings:
        name, separator, value = each.partition("=")
        name = name.strip()
        if not separator or not name:
            raise UsageError(f"--set {each!r} is not name=value; write for example --set burst_length=10s")
        if name in found:
            raise UsageError(
                f"--set {name}=… comes twice: {shown(name, found[name])} and {shown(name, value)}; leave one out"
            )
        found[name] = value
    return found


def load_provider(target: str, settings: Mapping[str, str]) -> tuple[Any, dict[str, Any]]:
    """Import an object and make a provider of it.

    Args:
        target: `MODULE:OBJECT`; the object is a provider, or a class or function that returns one.
        settings: names of options are the provider's options; all others are arguments of the class or function.

    Returns:
        The provider, and its options as keyword arguments of `App.add`.

    Raises:
        LoadingError: the object cannot be imported, or does not make a provider.
        UsageError: an unknown name, or a value that cannot be read.
        InvalidOptions: an option has a value that cannot work.
        InvalidProvider: the object is no provider.
    """
    make, options = load_factory(target, settings)
    provider = make()
    check_provider(provider)
    return provider, options


def load_factory(target: str, settings: Mapping[str, str]) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Like `load_provider`, but what makes the provider, at each call anew where the object is a class or function.

    Args:
        target: `MODULE:OBJECT`.
        settings: options of the provider, and arguments.

    Raises:
        InvalidOptions: an option has a value that cannot work.
    """
    chosen = {name: text for name, text in settings.items() if name in ProviderOptions.names()}
    arguments = {name: text for name, text in settings.items() if name not in chosen}
    options = ProviderOptions.parse_settings(chosen)
    return lambda: load_object(target, arguments), {name: getattr(options, name) for name in chosen}


def load_object(target: str, arguments: Mapping[str, object], spelled: str = "--set {}") -> Any:
    """Import an object; when it is a class or function, what it makes of some arguments.

    Args:
        target: `MODULE:OBJECT`.
        arguments: texts are read as what the class or function wants.
        spelled: how an argument is given to whoever wrote these, for errors.

    Raises:
        LoadingError: the object cannot be imported, or cannot be made.
        UsageError: an unknown argument, or one that cannot be read.
    """
    found = _import(target)
    if is_factory(found):
        return _call(target, found, _arguments(target, found, arguments, spelled))
    if arguments:
        raise UsageError(
            f"{spelled.format(_list(arguments))}: {target} is an object that exists already, so that only options can "
            f"be set: {_list(sorted(ProviderOptions.names()))}"
        )
    return found


def _import(target: str) -> Any:
    module_name, separator, path = target.partition(":")
    if not separator or not module_name or not path:
        raise LoadingError(f"{target!r} does not name a module and an object in it; {EXAMPLE}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does
    found = _import_module(module_name, here)
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise LoadingError(f"{target!r}: {module_name} has no {path!r}{_nearby(found)}") from None
    return found


def _import_module(name: str, here: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise LoadingError(
                f"there is no module {error.name!r}, neither in {here} nor installed; {EXAMPLE}, from the directory "
                "that holds it"
            ) from None
        raise LoadingError(f"{name} cannot be imported: {error}; install that first") from error
    except Exception as error:
        raise LoadingError(f"{name} cannot be imported: {_said(error)}{_place(error)}") from error


def _call(target: str, factory: Callable[..., Any], arguments: Mapping[str, object]) -> Any:
    try:
        return factory(**arguments)
    except IncrsimError:
        raise
    except Exception as error:
        given = ", ".join(f"{name}={shown(name, value)}" for name, value in arguments.items())
        said = without_secrets(_said(error), arguments)
        raise LoadingError(f"{target}({given}) failed: {said}") from error


def _arguments(
    target: str, factory: Callable[..., Any], given: Mapping[str, object], spelled: str
) -> dict[str, object]:
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # some classes written in C do not tell
        return dict(given)
    by_name = {
        name: each
        for name, each in signature.parameters.items()
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    }
    takes_any = any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())
    unknown = [name for name in given if name not in by_name]
    if unknown and not takes_any:
        raise UsageError(
            f"{spelled.format(_list(unknown))}: unknown; {target} takes {_list(by_name) or 'nothing'}, "
            f"and the options are {_list(sorted(ProviderOptions.names()))}"
        )
    missing = [name for name, each in by_name.items() if each.default is each.empty and name not in given]
    if missing:
        raise UsageError(f"{target} needs {' and '.join(spelled.format(f'{name}=…') for name in missing)}")
    wanted = _annotations(factory)
    return {
        name: _converted(name, value, wanted.get(name), by_name.get(name), spelled) if isinstance(value, str) else value
        for name, value in given.items()
    }


def _annotations(factory: Callable[..., Any]) -> dict[str, Any]:
    function = inspect.getattr_static(factory, "__init__") if isinstance(factory, type) else factory
    try:
        return typing.get_type_hints(function)
    except Exception:  # noqa: BLE001  # annotations may name what only a type checker can import: then all is text
        return {}


def _converted(name: str, text: str, wanted: Any, parameter: inspect.Parameter | None, spelled: str) -> object:
    if wanted is None and parameter is not None and parameter.default is not parameter.empty:
        wanted = type(parameter.default)
    members = typing.get_args(wanted) if _is_union(wanted) else (wanted,)
    if types.NoneType in members and text.lower() == "none":
        return None
    readers = [_READERS[each] for each in (bool, int, float, Path) if each in members]
    if str in members or not readers:
        return text
    for reader in readers:
        try:
            return reader(text)
        except ValueError:
            continue
    kinds = " or ".join(each.__name__ for each in members if each in _READERS)
    raise UsageError(
        f"{spelled.format(f'{name}={without_secrets(text, {name: text})}')}: {name} must be {kinds}; "
        f"write for example {spelled.format(f'{name}={_EXAMPLES[kinds.split()[0]]}')}"
    )


def _bool(text: str) -> bool:
    try:
        return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}[text.lower()]
    except KeyError:
        raise ValueError(text) from None


_READERS: dict[type, Callable[[str], object]] = {bool: _bool, int: int, float: float, Path: Path}
_EXAMPLES = {"bool": "true", "int": "10", "float": "0.5", "Path": "."}


def _is_union(wanted: Any) -> bool:
    return typing.get_origin(wanted) in (typing.Union, types.UnionType)


def _list(names: typing.Iterable[str]) -> str:
    return ", ".join(names)


def _nearby(module: Any) -> str:
    names = (
        [
            name
            for name, each in vars(module).items()
            if not name.startswith("_")
            and callable(getattr(each, "next", None))
            and getattr(each, "__module__", None) == module.__name__
        ]
        if isinstance(module, types.ModuleType)
        else []
    )
    return f"; it has {_list(sorted(names))}" if names else ""


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _place(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return ""  # says where by itself
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
