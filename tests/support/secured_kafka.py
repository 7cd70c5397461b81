"""
A broker with a door of each kind, on the loopback address, and the keys to them.

    PLAINTEXT   nothing is asked           the test's own way in, to judge what came of it
    SCRAM       TLS, SCRAM-SHA-512         a user and a password
    MUTUAL      TLS on both sides          a certificate of the authority that the broker trusts
    OAUTH       TLS, OAUTHBEARER           a token of the test's own issuer (`token_issuer.py`)

Certificates and keys are made for each run. On the doors with a login it holds
for a short time (KIP-368) and is then asked for again, so that what was changed
is noticed on a connection that stands. What somebody else than the users of
ALMIGHTY may do, a test allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from support.certificates import Authority
from support.kafka_cluster import KafkaCluster, start_cluster
from support.ports import free_ports
from support.token_issuer import CLIENT_ID, TokenIssuer

CALL_S_MAX = 15.0
REAUTHENTICATED_MS = 3_000
SCRAM_ITERATIONS = 4096
# Who may do everything: the plain door, and one user of each other door.
USER = "capi"
ALMIGHTY = ("ANONYMOUS", USER, "CN=client", CLIENT_ID)
LOGIN_MODULES = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class SecuredKafka:
    """The cluster, host:port of each door, and what a client shows there."""

    cluster: KafkaCluster
    scram: str
    mutual: str
    oauth: str
    authority: Authority
    stranger: Authority
    issuer: TokenIssuer

    @property
    def trust(self) -> dict[str, str]:
        """What makes a client trust the broker."""
        return {"ssl.ca.location": str(self.authority.file)}

    def scram_properties(self, user: str, password: str) -> dict[str, str]:
        """librdkafka's properties of a user at the SCRAM door."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": password,
            **self.trust,
        }

    def mutual_properties(self, authority: Authority) -> dict[str, str]:
        """librdkafka's properties of a client with a certificate of this authority."""
        certificate = authority.issue("client")
        return {
            "security.protocol": "SSL",
            "ssl.certificate.location": str(certificate.chain),
            "ssl.key.location": str(certificate.key),
            **self.trust,
        }

    def oauth_properties(self, client_id: str, secret: str) -> dict[str, str]:
        """librdkafka's properties of a client that fetches its tokens from the issuer."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": client_id,
            "sasl.oauthbearer.client.secret": secret,
            "sasl.oauthbearer.token.endpoint.url": self.issuer.url,
            **self.trust,
        }

    def set_password(self, user: str, password: str) -> None:
        """Make the user, or change the password."""
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS)
        change = UserScramCredentialUpsertion(user, credential, password.encode())
        admin = self._admin()
        admin.alter_user_scram_credentials([change])[user].result(CALL_S_MAX)

    def allow(self, user: str, kind: str, name: str, *operations: str) -> None:
        """Give rights: `kind` is topic or group; a name that ends with `*` means all that begin so."""
        pattern = ResourcePatternType.PREFIXED if name.endswith("*") else ResourcePatternType.LITERAL
        rights = [
            AclBinding(
                ResourceType[kind.upper()],
                name.rstrip("*"),
                pattern,
                f"User:{user}",
                "*",
                AclOperation[operation],
                AclPermissionType.ALLOW,
            )
            for operation in operations
        ]
        admin = self._admin()
        for given in admin.create_acls(rights).values():
            given.result(CALL_S_MAX)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.cluster.bootstrap_servers, "log_level": 0})

    def end(self) -> None:
        """End the broker and the issuer."""
        self.issuer.end()
        self.cluster.end()


def start_secured(folder: Path) -> SecuredKafka:
    """One node with all doors. Raises NotAvailable and KafkaDidNotStart."""
    folder.mkdir(exist_ok=True)
    authority, stranger = Authority.make(folder, "authority"), Authority.make(folder, "stranger")
    issuer = TokenIssuer.start(folder)
    scram, mutual, oauth = (f"127.0.0.1:{port}" for port in free_ports(3))
    try:
        cluster = start_cluster(
            folder / "nodes",
            properties=_broker_properties(authority, issuer),
            listeners={
                f"SCRAM://{scram}": "SASL_SSL",
                f"MUTUAL://{mutual}": "SSL",
                f"OAUTH://{oauth}": "SASL_SSL",
            },
            jvm=[f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={issuer.keys_url}"],
        )
    except BaseException:
        issuer.end()
        raise
    return SecuredKafka(cluster, scram, mutual, oauth, authority, stranger, issuer)


def _broker_properties(authority: Authority, issuer: TokenIssuer) -> dict[str, object]:
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": ";".join(f"User:{user}" for user in ALMIGHTY),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": authority.issue("broker").both,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": authority.file,
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scram.scram-sha-512.sasl.jaas.config": (
            f"{LOGIN_MODULES}.scram.ScramLoginModule required;"
        ),
        "listener.name.scram.connections.max.reauth.ms": REAUTHENTICATED_MS,
        "listener.name.oauth.connections.max.reauth.ms": REAUTHENTICATED_MS,
        "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.oauth.oauthbearer.sasl.jaas.config": (
            f"{LOGIN_MODULES}.oauthbearer.OAuthBearerLoginModule required;"
        ),
        "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class": (
            f"{LOGIN_MODULES}.oauthbearer.OAuthBearerValidatorCallbackHandler"
        ),
        "listener.name.oauth.sasl.oauthbearer.jwks.endpoint.url": issuer.keys_url,
        "listener.name.oauth.sasl.oauthbearer.expected.audience": issuer.audience,
        "listener.name.oauth.sasl.oauthbearer.expected.issuer": issuer.url,
    }
