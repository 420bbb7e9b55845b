"""The contract is complete, and a method that is not keeps its service from starting."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

from comptoir.options.v1 import policy_pb2
from comptoir.shop.v1 import shop_pb2
from services.chassis.caller import Caller, Kind
from services.chassis.contract import ContractError, Method, every_method, methods
from services.chassis.validate import validate

_numbers = count()


def altered(**policy: Any) -> ServiceDescriptor:
    """A service whose one method is GetShop with another policy."""
    method = descriptor_pb2.MethodDescriptorProto()
    shop_pb2.DESCRIPTOR.services_by_name["ShopService"].methods_by_name["GetShop"].CopyToProto(method)
    declared: Any = method.options.Extensions[policy_pb2.policy]
    for name, value in policy.items():
        declared.ClearField(name)
        if isinstance(value, list):
            getattr(declared, name).extend(value)
        else:
            setattr(declared, name, value)
    if not policy:
        method.options.ClearExtension(policy_pb2.policy)
    package = f"altered{next(_numbers)}"
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto",
        package=package,
        syntax="proto3",
        dependency=[shop_pb2.DESCRIPTOR.name],
        service=[descriptor_pb2.ServiceDescriptorProto(name="Altered", method=[method])],
    )
    pool: Any = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    found: ServiceDescriptor = pool.FindServiceByName(f"{package}.Altered")
    return found


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({}, "declares no"),
        ({"callers": []}, "who may call"),
        ({"proof": 0}, "policy.proof"),
        ({"proof": policy_pb2.PROOF_NONE}, "policy.proof"),
        ({"scope": 0}, "policy.scope"),
        ({"permission": ""}, "list of rights"),
        ({"permission": "shop.invented"}, "list of rights"),
        ({"callers": [policy_pb2.CALLER_KIND_INTERNAL]}, "google.api.http"),
        ({"scope": policy_pb2.SCOPE_USER}, "names the user"),
        ({"wildcards": ["nothing"]}, "policy.wildcards"),
        ({"example": ""}, "example is missing"),
        ({"example": '{"nome": 1}'}, "not a request"),
    ],
)
def test_an_incomplete_method_keeps_its_service_from_starting(
    change: dict[str, object], complaint: str
) -> None:
    service = altered(**change)
    with pytest.raises(ContractError, match=complaint):
        methods([service])


@pytest.mark.parametrize("method", every_method(), ids=lambda m: f"{m.service}/{m.name}")
def test_every_example_is_a_valid_request(method: Method) -> None:
    validate(method, method.example(), Caller(Kind.INTERNAL, "test"))
