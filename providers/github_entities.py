"""A GitHub repository as an entity, the same one whether it comes by GraphQL or by a webhook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import incrsim
from incrsim.entity_rules import is_tag
from providers.naming import readable_name

FIELDS = """
  name nameWithOwner description url homepageUrl visibility isArchived isDisabled isFork isTemplate
  primaryLanguage { name }
  licenseInfo { spdxId }
  repositoryTopics(first: 20) { nodes { topic { name } } }
"""
"""What `component_of` reads. Not `pushedAt` and its like: an entity would change with each push."""


def component_of(node: Mapping[str, Any], provider: incrsim.IncrementalEntityProvider) -> incrsim.Entity:
    """A `Component` of a repository as GraphQL has it, with `FIELDS`."""
    topics = [each["topic"]["name"] for each in (node.get("repositoryTopics") or {}).get("nodes", ())]
    homepage = node.get("homepageUrl")
    facts = {
        "github.com/project-slug": node["nameWithOwner"],
        "github.com/language": (node.get("primaryLanguage") or {}).get("name"),
        "github.com/license": (node.get("licenseInfo") or {}).get("spdxId"),
        "github.com/homepage": homepage or None,
        "backstage.io/source-location": f"url:{node['url']}/",
    }
    return incrsim.component(
        readable_name(node["name"]),
        provider=provider,
        type="repository",
        lifecycle="deprecated" if node["isArchived"] else "production",
        title=node["name"],
        description=node.get("description") or None,
        labels={
            "github.com/visibility": node["visibility"].lower(),
            "github.com/archived": str(node["isArchived"]).lower(),
            "github.com/disabled": str(node["isDisabled"]).lower(),
            "github.com/fork": str(node["isFork"]).lower(),
            "github.com/template": str(node["isTemplate"]).lower(),
        },
        annotations={key: text for key, text in facts.items() if text is not None},
        tags=sorted(each for each in topics if is_tag(each)),
    )


def ref_of(name: str) -> str:
    """The ref of a repository's entity."""
    return f"component:default/{readable_name(name)}".lower()


def node_of(repository: Mapping[str, Any]) -> dict[str, Any]:
    """A repository as webhooks and REST have it, in GraphQL's form."""
    language, spdx = repository.get("language"), (repository.get("license") or {}).get("spdx_id")
    return {
        "name": repository["name"],
        "nameWithOwner": repository["full_name"],
        "description": repository.get("description"),
        "url": repository["html_url"],
        "homepageUrl": repository.get("homepage"),
        "visibility": repository.get("visibility") or ("private" if repository["private"] else "public"),
        "isArchived": repository["archived"],
        "isDisabled": repository.get("disabled", False),
        "isFork": repository["fork"],
        "isTemplate": repository.get("is_template", False),
        "primaryLanguage": {"name": language} if language else None,
        "licenseInfo": {"spdxId": spdx} if spdx else None,
        "repositoryTopics": {"nodes": [{"topic": {"name": each}} for each in repository.get("topics", ())]},
    }
