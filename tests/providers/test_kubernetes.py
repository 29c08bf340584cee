"""Lists of a Kubernetes API server: chunks of a snapshot, tokens that expire, several kinds in one ingestion."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import incrsim
from incrsim import events
from providers import kubernetes
from providers.kubernetes import Kubernetes
from tests.providers.reader import reading, requests
from tests.providers.server.control import ApiServer, ServedClock

SECRET = "eyJhbGciOi.4711"

DEPLOYMENTS, SERVICES = "apps/v1/deployments", "v1/services"

FAULTS: dict[str, dict[str, Any]] = {
    "cut": {"kind": "cut"},
    "no answer": {"kind": "drop"},
    "broken JSON": {"kind": "broken"},
    "500": {"status": 500, "body": '{"kind": "Status", "reason": "InternalError", "code": 500}'},
    "403": {"status": 403, "body": '{"kind": "Status", "reason": "Forbidden", "code": 403}'},
    "no items": {"status": 200, "body": '{"kind": "DeploymentList", "metadata": {}}'},
    "items without an end": {
        "status": 200,
        "body": '{"kind": "DeploymentList", "metadata": {"remainingItemCount": 3}, "items": []}',
    },
}


def objects(count: int, namespace: str = "shop", **labels: str) -> list[dict[str, Any]]:
    """Objects as the API server lists them: without `kind` and `apiVersion`."""
    return [
        {
            "metadata": {
                "name": f"app-{number:03}",
                "namespace": namespace,
                "uid": f"uid-{number}",
                "resourceVersion": str(number),
                "creationTimestamp": "2024-01-01T00:00:00Z",
                "labels": labels,
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "secret"},
            },
            "spec": {"replicas": 1},
        }
        for number in range(count)
    ]


def serve(api: ApiServer, **collections: list[dict[str, Any]]) -> None:
    """What the cluster has."""
    api.set(
        collections={{"deployments": DEPLOYMENTS, "services": SERVICES}[key]: all_ for key, all_ in collections.items()}
    )


def provider(api: ApiServer, clock: ServedClock | None = None, **arguments: Any) -> Kubernetes:
    """For the server's cluster, ten objects a chunk."""
    return Kubernetes(**{"url": api.url, "token": SECRET, "page_size": 10, "clock": clock, **arguments})


def test_the_catalog_follows_the_cluster(api: ApiServer) -> None:
    """All kinds of objects come, change and go within one ingestion."""
    clock = api.clock()
    api.set(token=SECRET)
    serve(api, deployments=objects(25), services=objects(12))
    with reading(provider(api, clock), clock) as reader:
        assert reader.cycle().ingestion.counts.added == 37
        assert reader.cycle().ingestion.counts.unchanged == 37
        serve(api, deployments=[*objects(10), *objects(20, tier="web")[10:]], services=objects(0))
        counts = reader.cycle().ingestion.counts
        assert (counts.unchanged, counts.updated, counts.removed) == (10, 10, 17)
        assert SECRET not in reader.everything_kept()
    assert {each["status"] for each in api.log} == {200}


def test_an_object_becomes_a_resource(api: ApiServer) -> None:
    """With its namespace, labels and kind; without annotations, spec and versions, which hold secrets or change."""
    clock = api.clock()
    serve(api, deployments=objects(1, **{"app.kubernetes.io/part-of": "checkout", "bad": "not a value!"}), services=[])
    with reading(provider(api, clock, cluster="prod"), clock) as reader:
        assert reader.cycle().verdict == "swept"
        ((ref, body),) = ((each.ref, reader.app.catalog.get(each.ref)) for each in reader.app.catalog.entities())
    assert ref == "resource:shop/prod.deployments.app-000"
    assert body is not None
    assert body["spec"] == {
        "type": "kubernetes-deployment",
        "owner": "unknown",
        "system": "checkout",
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "created": "2024-01-01T00:00:00Z",
    }
    assert body["metadata"]["title"] == "app-000"
    assert body["metadata"]["labels"] == {"app.kubernetes.io/part-of": "checkout"}
    assert "secret" not in str(body)


@pytest.mark.parametrize("name", ["system:node", "a" * 253, "x.y.z", "a" * 63])
def test_every_name_is_a_valid_entity(api: ApiServer, name: str) -> None:
    """Long names, and those of roles with colons, are shortened and stay unique; objects without namespace are fine."""
    clock = api.clock()
    items = [{"metadata": {"name": each}} for each in (name, f"{name}-2"[-253:], f"{name[:60]}-3")]
    api.set(collections={"rbac.authorization.k8s.io/v1/clusterroles": items})
    with reading(provider(api, clock, resources="rbac.authorization.k8s.io/v1/clusterroles"), clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert reader.app.catalog.count() == 3
        assert not reader.app.store.problems("kubernetes")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_a_wait_and_nothing_else(api: ApiServer, fault: str) -> None:
    """The chunk that failed is asked for again after the first wait of the list; nothing is lost."""
    clock = api.clock()
    serve(api, deployments=objects(25), services=objects(5))
    with reading(provider(api, clock), clock) as reader:
        reader.cycle()
        api.fail(6, **FAULTS[fault])
        assert reader.cycle().verdict == "swept"
        (failed,) = reader.failures()
        assert (failed.failure.page, failed.due_at) == (2, failed.at + timedelta(seconds=5))
        assert reader.app.catalog.count() == 30


def test_too_many_requests_are_waited_for(api: ApiServer) -> None:
    """API Priority and Fairness answers 429 with `Retry-After`."""
    clock = api.clock()
    serve(api, deployments=objects(25), services=[])
    api.fail(2, status=429, headers={"Retry-After": "7"}, body='{"kind": "Status", "reason": "TooManyRequests"}')
    with reading(provider(api, clock), clock) as reader:
        assert reader.cycle().verdict == "swept"
        (limited,) = reader.failures()
        assert (limited.due_at, limited.attempts) == (limited.at + timedelta(seconds=7), 0)


def test_an_expired_token_starts_over_at_once(api: ApiServer) -> None:
    """Five minutes after its snapshot a list cannot go on: 410, and the first chunk again without any wait."""
    clock = api.clock()
    serve(api, deployments=objects(25), services=objects(5))
    with reading(provider(api, clock), clock) as reader:
        once = iter([timedelta(seconds=301)])

        def delay(event: events.Event) -> None:
            if isinstance(event, events.PageCommitted):
                clock.advance(next(once, timedelta()))

        reader.app.events.subscribe(delay)
        assert reader.cycle().verdict == "canceled"
        assert reader.cycle().verdict == "swept"
        (ended,) = reader.of(events.IngestionEnded)
        assert ended.due_at == ended.at
        assert reader.app.catalog.count() == 30
    assert [("continue" in each["query"], each["status"]) for each in api.log[:3]] == [
        (False, 200),
        (True, 410),
        (False, 200),
    ]


def test_chunks_are_of_one_snapshot(api: ApiServer) -> None:
    """What changes while a list is read neither hides nor doubles an object."""
    clock = api.clock()
    serve(api, deployments=objects(25), services=[])
    with reading(provider(api, clock), clock) as reader:

        def shrink(event: events.Event) -> None:
            if isinstance(event, events.PageCommitted) and event.ingestion == 1 and event.page == 1:
                serve(api, deployments=objects(25)[5:])

        reader.app.events.subscribe(shrink)
        assert reader.cycle().entities == 25
        reader.cycle()
        assert reader.app.catalog.count() == 20


def test_a_kind_that_is_not_there_or_not_allowed_removes_nothing(api: ApiServer) -> None:
    """404 and 403 are errors, with what the server said, and no empty lists."""
    clock = api.clock()
    serve(api, deployments=objects(5), services=objects(5))
    with reading(provider(api, clock), clock) as reader:
        reader.cycle()
        api.set(denied=["/api/v1/services"])
        assert reader.cycle().verdict == "canceled"
        assert 'User "system:serviceaccount:default:default" cannot list' in reader.failures()[
            -1
        ].failure.message.replace("\\", "")
        assert reader.app.catalog.count() == 10


def test_selectors_and_namespaces_narrow_the_list(api: ApiServer) -> None:
    """They are asked of the server, on each page."""
    clock = api.clock()
    serve(
        api, deployments=[*objects(15, tier="web"), *objects(9, "other", tier="web"), *objects(9, "third")], services=[]
    )
    narrow = provider(api, clock, resources=DEPLOYMENTS, namespace="shop", label_selector="tier=web")
    with reading(narrow, clock) as reader:
        assert reader.cycle().verdict == "swept"
        assert reader.app.catalog.count() == 15
    assert requests(api)[0] == "/apis/apps/v1/namespaces/shop/deployments?limit=10&labelSelector=tier=web"
    assert all("labelSelector" in each["query"] for each in api.log)


def test_a_cluster_may_be_behind_a_path(api: ApiServer) -> None:
    """Proxies that serve several clusters give each an address with a path."""
    behind = provider(api, url=f"{api.url}/k8s/clusters/c-1/", resources=SERVICES)
    with behind.around() as session, pytest.raises(incrsim.ProviderError, match="/k8s/clusters/c-1/api/v1/services"):
        behind.next(session)


def test_a_cursor_of_a_kind_that_is_read_no_longer_starts_over(api: ApiServer) -> None:
    """After a change of `resources` in the middle of an ingestion."""
    changed = provider(api, resources=SERVICES)
    with changed.around() as session, pytest.raises(incrsim.CursorExpired, match="reads no longer"):
        changed.next(session, {"resource": DEPLOYMENTS})


def test_in_a_pod_everything_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, api: ApiServer) -> None:
    """Address from the environment, token from its file, which is read anew for each burst, since it is rotated."""
    trusted: dict[str, Path] = {}
    monkeypatch.setattr(ssl, "create_default_context", trusted.update)
    monkeypatch.setattr(kubernetes, "POD", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "ca.crt").write_text("a certificate")
    assert Kubernetes().url == "https://[fd00::1]:6443"
    assert trusted == {"cafile": tmp_path / "ca.crt"}
    in_pod = Kubernetes(url=api.url, resources=SERVICES)
    serve(api, services=objects(1))
    for token in ("first", "second"):
        (tmp_path / "token").write_text(token)
        api.set(token=token)
        with in_pod.around() as session:
            assert in_pod.next(session).done


@pytest.mark.parametrize("resources", ["", "services", "v1/services,v1/services", "a/b/c/d"])
def test_wrong_resources_say_what_to_write(resources: str) -> None:
    """A resource is group, version and plural."""
    with pytest.raises(ValueError, match="write different ones, like apps/v1/deployments,v1/services"):
        Kubernetes(resources, url="https://k8s.example")


def test_outside_a_pod_an_address_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which arguments to pass."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ValueError, match="pass url="):
        Kubernetes(token=SECRET)
