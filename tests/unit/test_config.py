"""The configuration file: what it may say, and what is said of one that cannot work."""

from __future__ import annotations

from pathlib import Path

import pytest

from incrsim.config import ApiConfig, ConfiguredObject, read_config
from incrsim.errors import InvalidConfig

WHOLE = """\
database = "embedded"
concurrency = 4

[providers.files]
object = "providers.files:Files"
arguments = { root = "docs" }
burst_length = "10s"
reject_removals_above_percentage = 5

[providers."a b"]
object = "mine:other"

[sinks.lines]
object = "mine:Lines"
arguments.path = "out.jsonl"

[api]
port = 0
allowed_hosts = ["catalog.example.org"]
read_token_env = "READ"
[api.event_secret_envs]
github = "GITHUB"
"""


def write(directory: Path, text: str) -> Path:
    """A file with that text."""
    path = directory / "incrsim.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    """Database, providers with arguments and options, sinks and the interface are found in it."""
    path = write(tmp_path, WHOLE)
    config = read_config(path)
    assert (config.database, config.concurrency) == ("embedded", 4)
    assert config.providers == (
        ConfiguredObject(
            "files",
            f"{path}, line 4",
            "providers.files:Files",
            {"root": "docs"},
            {"burst_length": "10s", "reject_removals_above_percentage": 5},
        ),
        ConfiguredObject("a b", f"{path}, line 10", "mine:other"),
    )
    assert config.sinks == (ConfiguredObject("lines", f"{path}, line 13", "mine:Lines", {"path": "out.jsonl"}),)
    assert config.api == ApiConfig(
        port=0, allowed_hosts=("catalog.example.org",), read_token_env="READ", event_secret_envs={"github": "GITHUB"}
    )


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    """All keys may be left out."""
    config = read_config(write(tmp_path, ""))
    assert (config.database, config.concurrency, config.providers, config.sinks) == (None, None, (), ())
    assert config.api == ApiConfig()


P = '[providers.p]\nobject = "m:o"\n'


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a = 1\nb = \n", 2, "this is not TOML: Invalid value"),
        ("a = 1\na = 2\n", 2, "this is not TOML: Cannot overwrite a value"),
        ("\ndatabse = 'memory'\n", 2, "unknown key 'databse' in the file; write database"),
        ("xyz = 1", 1, "unknown key 'xyz' in the file; known are database, concurrency, providers, sinks, api"),
        ("database = 5", 1, "database must be a text"),
        ("concurrency = 0", 1, "concurrency must be a whole number from 1"),
        ("concurrency = true", 1, "concurrency must be a whole number from 1"),
        ("providers = []", 1, "providers must be a table of tables, for example [providers.files]"),
        ("[providers]\np = 1", 1, "providers must be a table of tables"),
        ("[providers.p]\nburst_length = '1s'", 1, "[providers.p] does not say what it is; write object ="),
        (P + "burst_lenght = '1s'", 3, "unknown key 'burst_lenght' in [providers.p]; write burst_length"),
        (P + "Burst-Length = '1s'", 3, "unknown key 'Burst-Length' in [providers.p]; write burst_length"),
        (P + "redact = 'x'", 3, "unknown key 'redact' in [providers.p]"),
        (P + "rest_length = '1d'\nburst_length = 'soon'", 4, "burst_length='soon'"),
        (P + "max_pages = 0", 3, "max_pages=0 is too small"),
        (P + "lease_length = '1s'", 3, "lease_length=1s is shorter than page_timeout + 30s"),
        (P + "arguments = 'x'", 3, "arguments must be a table"),
        ("[sinks.s]\nobject = 'm:o'\nburst_length = '1s'", 3, "unknown key 'burst_length' in [sinks.s]"),
        ("[api]\nport = 65536", 2, "port must be a whole number from 0 to 65535"),
        ("[api]\nallowed_hosts = 'x'", 2, "allowed_hosts must be a list of texts"),
        ("[api]\nread_token = 's3cret'", 2, "unknown key 'read_token' in [api]; write read_token_env"),
        ("[api]\nread_token_env = 's3cret!'", 2, "read_token_env must be the name of an environment variable"),
        ("[api.event_secret_envs]\nx = 's3cret!'", 1, "event_secret_envs must be a table of topics"),
    ],
)
def test_what_cannot_work_is_told_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    """An error names the file and the line, says what is wrong and what to write, and shows no secret."""
    path = write(tmp_path, text)
    with pytest.raises(InvalidConfig) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}, line {line}")
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_lease_that_fits_the_other_options_is_fine(tmp_path: Path) -> None:
    """Options are judged together where one depends on another."""
    path = write(tmp_path, P + "lease_length = '31s'\npage_timeout = '1s'")
    assert read_config(path).providers[0].options == {"lease_length": "31s", "page_timeout": "1s"}


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, or is no text, is an error in one line."""
    with pytest.raises(InvalidConfig, match="cannot be read: No such file or directory"):
        read_config(tmp_path / "incrsim.toml")
    path = tmp_path / "latin.toml"
    path.write_bytes(b'database = "\xe9"')
    with pytest.raises(InvalidConfig, match="is not UTF-8, as TOML has to be"):
        read_config(path)
