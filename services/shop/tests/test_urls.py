"""Addresses of merchants' sites are on the public Internet and say so (security: outbound URLs)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from comptoir.shop.v1 import shop_pb2
from services.chassis.errors import Invalid
from services.shop import urls
from services.shop.tests.counter import Counter

GOOD = [
    "https://boutique.example",
    "https://boutique.example/",
    "https://www.boutique.example:8443/fr/index.html?a=b@c#part",
    "https://BOUTIQUE.example./",
    "https://bücher.example",
    "https://xn--bcher-kva.example",
    "https://例え.テスト",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]:443/",
    "https://1.boutique.example",
    "https://10.0.0.1.example",
    "https://localhost.example",
    "https://a_b.example",
]
PRIVATE = [
    "10.0.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:8.8.8.8]",
    "[::ffff:0:10.0.0.1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::a00:1]",
    "[100::1]",
    "[2001::1]",
    "[2001:10::1]",
    "[2001:20::1]",
    "[2001:db8::1]",
    "[2002:a00:1::1]",
    "[2002:7f00:1::]",
    "[3fff::1]",
    "[5f00::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[2606:4700::5efe:10.0.0.1]",
    "[2606:4700::200:5efe:10.0.0.1]",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "printer.local",
    "metadata.google.internal",
    "router.lan",
    "nas.home.arpa",
    "intranet",
    "ｌｏｃａｌｈｏｓｔ",
    "１２７.０.０.１",
    "127。0。0。1",
    "①⑦②.16.0.1",
]
MISSPELT = [
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "127.1",
    "127.0.1",
    "8.8",
    "134744072",
    "1.2.3.4.5",
    "256.256.256.256",
    "0x",
    "boutique.0x1",
    "[::1",
    "[fe80::1%25eth0]",
    "[1.2.3.4]",
    "[v1.a]",
    "%31%32%37.0.0.1",
    "",
    ":443",
    "-a.example",
    "a-.example",
    "a..example",
    ".example",
    "a" * 64 + ".example",
    ".".join(["a" * 60] * 5),
    "bad*host.example",
    "a.example:0",
    "a.example:65536",
    "a.example:x",
]


@pytest.mark.parametrize("url", GOOD)
def test_addresses_of_the_public_internet_pass(url: str) -> None:
    urls.check(url)


@pytest.mark.parametrize("host", PRIVATE)
def test_private_hosts_are_refused_however_they_are_written(host: str) -> None:
    with pytest.raises(urls.Refused) as refused:
        urls.check(f"https://{host}/path")

    assert refused.value.rule == "public_host"


@pytest.mark.parametrize("host", MISSPELT)
def test_hosts_that_readers_understand_differently_are_refused(host: str) -> None:
    with pytest.raises(urls.Refused) as refused:
        urls.check(f"https://{host}/path")

    assert refused.value.rule in ("url_host", "url")


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://boutique.example", "https"),
        ("HTTP://boutique.example", "https"),
        ("ftp://boutique.example", "https"),
        ("javascript:alert(1)", "https"),
        ("//boutique.example", "https"),
        ("boutique.example", "https"),
        ("https://user@boutique.example", "no_user_info"),
        ("https://user:word@boutique.example", "no_user_info"),
        ("https://@boutique.example", "no_user_info"),
        ("https://boutique.example\\@10.0.0.1", "url_characters"),
        ("https://boutique.example/a b", "url_characters"),
        ("https://boutique.example/\n", "url_characters"),
        ("https://boutique.\texample", "url_characters"),
        ("https://boutique.example\x00.local", "url_characters"),
    ],
)
def test_each_refusal_names_its_rule(url: str, rule: str) -> None:
    with pytest.raises(urls.Refused) as refused:
        urls.check(url)

    assert refused.value.rule == rule


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "100.63.255.255", "2606:4700:4700::1111", "2a00::1"]
)
def test_what_a_name_resolves_to_may_be_any_public_address(address: str) -> None:
    assert urls.is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://10.0.0.1/", "public_host"),
        ("https://2130706433/", "url_host"),
        ("http://boutique.example", "https_uri"),
        ("https://user@boutique.example", "https_uri"),
    ],
)
def test_a_shop_s_address_is_refused_with_its_field_and_rule(counter: Counter, url: str, rule: str) -> None:
    shop, found = counter.opened(), []
    update = {"shop": {"name": shop, "url": url}, "updateMask": "url"}
    create = {"parent": "companies/acme", "shop": {"displayName": "Boutique", "url": url}}
    for method, request in (("UpdateShop", update), ("CreateShop", create)):
        with pytest.raises(Invalid) as refused:
            counter.call(f"ShopService/{method}", shop_pb2.Shop, request, counter.operator())
        found += [(violation.field, violation.rule) for violation in refused.value.violations]

    assert found == [("shop.url", rule)] * 2


def test_advice_stands_with_the_settings_that_it_is_about(counter: Counter) -> None:
    shop = counter.opened()
    settings = {"name": shop, "validationMode": "VALIDATION_MODE_MANUAL", "notifyRefusedAttempts": True}
    changed = counter.call("ShopService/UpdateShop", shop_pb2.Shop, {"shop": settings})
    read = counter.call("ShopService/GetShop", shop_pb2.Shop, {"name": shop})

    assert [(each.field, each.reason) for each in changed.advice] == [
        ("validation_mode", "AFFECTS_DEFERRED_PAYMENTS"),
        ("notify_refused_attempts", "CANCELLATION_RULE_RECOMMENDED"),
    ]
    assert list(read.advice) == list(changed.advice)
    assert not counter.call("ShopService/GetShop", shop_pb2.Shop, {"name": counter.opened()}).advice


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1[2606:4700::1111]",
        "localhost[2606:4700::1111]",
        "[2606:4700::1111].internal",
        "[2606:4700::1111]localhost",
        "[2606:4700::1111]:443:8",
        *(f"a.{name}" for name in ("svc", "cluster", "test", "invalid", "private", "intra")),
    ],
)
def test_a_host_that_others_read_as_another_or_that_no_public_name_has_is_refused(host: str) -> None:
    with pytest.raises(urls.Refused):
        urls.check(f"https://{host}/")
