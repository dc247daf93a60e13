#!/bin/sh
# cache-invalidation as a person would type it: the same job with the AWS CLI, AWS being its path, and curl.
set -eu

function=cache-invalidation
target="distribution/$DISTRIBUTION_ID"
. "$(dirname "$0")/ledger.sh"

asset() { curl --silent --show-error --fail --head "$APP_URL$ASSET_PATH"; }

look
"$AWS" cloudfront list-invalidations --distribution-id "$DISTRIBUTION_ID" \
    --query "InvalidationList.Items[?Status!='Completed']"
asset
claim '/assets/*'
id=$("$AWS" cloudfront create-invalidation --distribution-id "$DISTRIBUTION_ID" --paths '/assets/*' \
    --query Invalidation.Id --output text)
"$AWS" cloudfront wait invalidation-completed --distribution-id "$DISTRIBUTION_ID" --id "$id"
asset | grep --ignore-case --quiet '^x-cache: Miss'
record '/assets/*'
