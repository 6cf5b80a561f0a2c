"""Signatures as Standard Webhooks says: its own vector, both ways, and nothing else is right."""

from hypothesis import given
from hypothesis import strategies as st

from hub.model.standard_webhooks import is_signed, key_of, secret_of, signature

# of the reference libraries, https://github.com/standard-webhooks/standard-webhooks
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_vector_of_the_reference_libraries() -> None:
    key = key_of(SECRET)
    assert key is not None
    assert secret_of(key) == SECRET
    assert signature(key, ID, AT, BODY) == SIGNED
    assert is_signed(key, ID, AT, BODY, f"v1,AAAA v2,{SIGNED[3:]} {SIGNED}")
    assert not is_signed(key, ID, AT, BODY, f"v2,{SIGNED[3:]}")


@given(
    st.binary(min_size=24, max_size=64),
    st.text(min_size=1, max_size=40),
    st.binary(max_size=100),
    st.binary(max_size=100),
)
def test_what_is_signed_is_right_and_another_body_is_not(
    key: bytes, named: str, body: bytes, other: bytes
) -> None:
    given_ = signature(key, named, AT, body)
    assert key_of(secret_of(key)) == key
    assert is_signed(key, named, AT, body, given_)
    assert is_signed(key, named, AT, other, given_) is (other == body)
