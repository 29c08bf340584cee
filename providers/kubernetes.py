"""The objects of a Kubernetes cluster: one `Resource` for each deployment, service, or whatever is asked for.

In a pod it finds address, token and certificate where Kubernetes puts them; elsewhere give `url`, `token_file` and
`ca_file`. It needs the verb `list` on the resources, cluster-wide unless `namespace` is given.
Run it with `incrsim run providers.kubernetes:Kubernetes --set resources=apps/v1/deployments,v1/services --once`.

Options to add it with, and why:

- `burst_interval="3s"` or less: the token of a list lives for 5 to 15 minutes, until its snapshot is compacted away
  (410 Gone), and then the ingestion starts over. `page_size` 500 is what `kubectl` asks for.
- `rest_length="10m"`: a list of chunks from one snapshot is cheap for the API server.
- `reject_removals_above_percentage=20`: a role that lost a permission is an error, but one that was bound to a single
  namespace just sees less.

Not read: annotations and specs of objects, which hold secrets and configuration, and change all the time.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import incrsim
from incrsim.clock import Clock
from incrsim.entity_rules import is_key, is_name
from providers.http_answer import gone
from providers.http_secret import Secret
from providers.http_session import Session
from providers.http_source import HttpSource
from providers.naming import readable_name

POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PART_OF = "app.kubernetes.io/part-of"


class Kubernetes(HttpSource):
    """One `Resource` for each object of the given kinds.

    An entity is called `plural.name`, after the cluster's name if it has one, in the object's own namespace. Its labels
    are the object's, its system is the label `app.kubernetes.io/part-of`.

    Args:
        resources: `v1/services` for the core group, `group/version/plural` for others; several with commas.
        url: of the API server; by default that of the pod's cluster.
        token: a bearer token; better `token_file`, by default the pod's.
        token_file: read anew for each burst, since such tokens are rotated.
        ca_file: the certificate to trust; by default the pod's, else the usual ones.
        namespace: read this one alone.
        label_selector: read what has these labels, as `app=web,tier!=test`.
        cluster: a short name, when several clusters share a catalog.
        page_size: objects a page.
        name: the provider's name.
        clock: for the instants of rate limits.
    """

    def __init__(  # noqa: PLR0913  # each has a default that fits a pod
        self,
        resources: str = "apps/v1/deployments,v1/services",
        *,
        url: str | None = None,
        token: str | None = None,
        token_file: Path | None = None,
        ca_file: Path | None = None,
        namespace: str = "",
        label_selector: str = "",
        cluster: str = "",
        page_size: int = 500,
        name: str = "kubernetes",
        clock: Clock | None = None,
    ) -> None:
        self._resources = [each.strip() for each in resources.split(",")]
        wrong = [each for each in self._resources if each.count("/") not in (1, 2)]
        if wrong or len({each.rpartition("/")[2] for each in self._resources}) < len(self._resources):
            raise ValueError(f"resources={resources!r}: write different ones, like apps/v1/deployments,v1/services")
        in_pod = token is None and token_file is None and (POD / "token").exists()
        ca = ca_file or (POD / "ca.crt" if (POD / "ca.crt").exists() else None)
        trust = ssl.create_default_context(cafile=ca) if ca else None
        secret = Secret(token, file=POD / "token" if in_pod else token_file)
        super().__init__(name, url or _address(), secret, timeout=30, trust=trust, clock=clock)
        self._prefix = urlsplit(self.url).path.rstrip("/")  # of a proxy that serves several clusters
        self._namespace = namespace
        self._cluster = cluster
        self._params = {"limit": page_size} | ({"labelSelector": label_selector} if label_selector else {})

    def next(self, context: Session, cursor: Any = None) -> incrsim.Page:
        """Ask for one chunk of one resource's list; after its last one, the next resource is due."""
        at = cursor or {"resource": self._resources[0]}
        resource, going_on = at["resource"], at.get("continue")
        if resource not in self._resources:
            raise incrsim.CursorExpired(f"the cursor is in {resource}, which this provider reads no longer")
        params = self._params | ({"continue": going_on} if going_on else {})
        answer = context.ask(
            self._prefix + _path(resource, self._namespace), params, expired=gone if going_on else None
        )
        kind = answer.found("kind", str).removesuffix("List")  # the items of a list do not repeat it
        items = answer.found("items", (list, type(None))) or []  # Go writes an empty list as null
        rest = answer.found("metadata", dict)
        if rest.get("remainingItemCount") and not rest.get("continue"):
            raise incrsim.ProviderError(
                f"{answer} with {rest['remainingItemCount']} items to come, and no way to get them"
            )
        entities = [self._entity(resource, kind, each) for each in items]
        left = self._resources[self._resources.index(resource) + 1 :]
        if rest.get("continue"):
            return incrsim.Page(entities, {"resource": resource, "continue": rest["continue"]})
        return incrsim.Page(entities, {"resource": left[0]}) if left else incrsim.Page(entities, done=True)

    def _entity(self, resource: str, kind: str, item: Mapping[str, Any]) -> incrsim.Entity:
        version, _, plural = resource.rpartition("/")
        metadata = item["metadata"]
        labels = {key: text for key, text in (metadata.get("labels") or {}).items() if is_key(key) and _is_value(text)}
        return incrsim.resource(
            readable_name(".".join(filter(None, (self._cluster, plural, metadata["name"])))),
            provider=self,
            type=f"kubernetes-{kind.lower()}",
            title=metadata["name"],
            namespace=metadata.get("namespace"),
            system=labels.get(PART_OF) if is_name(labels.get(PART_OF, "")) else None,
            labels=labels,
            annotations={"kubernetes.io/uid": metadata.get("uid", "")},
            spec={"apiVersion": version, "kind": kind, "created": metadata.get("creationTimestamp")},
        )


def _is_value(text: object) -> bool:
    return isinstance(text, str) and (not text or is_name(text) is not None)


def _path(resource: str, namespace: str) -> str:
    version, _, plural = resource.rpartition("/")
    within = f"namespaces/{namespace}/" if namespace else ""
    return f"/{'apis' if '/' in version else 'api'}/{version}/{within}{plural}"


def _address() -> str:
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    if host is None:
        raise ValueError("this is no pod, so that there is no address to find; pass url=, token_file= and ca_file=")
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}:{os.environ.get('KUBERNETES_SERVICE_PORT', '443')}"
