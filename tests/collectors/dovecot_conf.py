"""What Dovecot is told: every way in that the tests need, on four addresses."""

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
introspection_url = http://127.0.0.1:{oauth_port}/introspect
username_attribute = username
active_attribute = active
active_value = true
timeout_msecs = 2000
"""

# The folders of `dotted` are called INBOX.a.b. Everybody else is the static user of DOVECOT.
USERS = """\
accent:{{PLAIN}}{accented}
dotted:{{PLAIN}}{password}::::::userdb_uid={user} userdb_gid={group} userdb_home={base}/mail/dotted \
userdb_namespace/inbox/separator=. userdb_namespace/inbox/prefix=INBOX.
"""
