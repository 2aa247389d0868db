# Starts a Postfix of its own in the present directory: nothing of the system's Postfix is read or touched.
# As root. Reads more lines of main.cf and master.cf from main.more and master.more, where there are such files.
set -e
export MAIL_CONFIG=$PWD
chmod 711 .
mkdir queue data
chown postfix data
cat - main.more >main.cf 2>/dev/null <<END || true
compatibility_level = 3.6
myhostname = postfix.example
queue_directory = $PWD/queue
data_directory = $PWD/data
maillog_file = $PWD/log
maillog_file_prefixes = $PWD
inet_interfaces = loopback-only
mydestination =
alias_maps =
local_recipient_maps =
smtp_host_lookup = native
END
cat - master.more >master.cf 2>/dev/null <<END || true
pickup    unix n - n 60  1 pickup
cleanup   unix n - n -   0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n -   - trivial-rewrite
bounce    unix - - n -   0 bounce
defer     unix - - n -   0 bounce
trace     unix - - n -   0 bounce
verify    unix - - n -   1 verify
proxymap  unix - - n -   - proxymap
smtp      unix - - n -   - smtp
relay     unix - - n -   - smtp
error     unix - - n -   - error
retry     unix - - n -   - error
discard   unix - - n -   - discard
tlsmgr    unix - - n 1000? 1 tlsmgr
anvil     unix - - n -   1 anvil
scache    unix - - n -   1 scache
postlog   unix-dgram n - n - 1 postlogd
END
postfix start
