# What the libraries do: an HMAC over id, timestamp and body, compared with each signature of the header.
# $id, $timestamp and $signature: the request's headers of these names, without “webhook-”. body: its bytes.
key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
mine=$( { printf '%s.%s.' "$id" "$timestamp"; cat body; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
for theirs in $signature; do
  [ "$theirs" = "v1,$mine" ] && echo genuine
done
