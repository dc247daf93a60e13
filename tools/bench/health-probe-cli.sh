#!/bin/sh
# health-probe as a person would type it: curl with its phases, then the AWS CLI, AWS being its path.
set -eu

phases='%{time_namelookup} %{time_connect} %{time_appconnect} %{time_pretransfer} %{time_starttransfer} %{time_total}'
data=

add() {
    data="$data,{\"MetricName\":\"$2\",\"Value\":$3,\"Unit\":\"$4\",\"Dimensions\":[
        {\"Name\":\"Environment\",\"Value\":\"$ENVIRONMENT\"},{\"Name\":\"Check\",\"Value\":\"$1\"}]}"
}

measure() { curl --silent --show-error --fail --output /dev/null --write-out "$phases" "$@"; }

check() {
    name=$1
    shift
    measured=$(measure "$@")
    add "$name" Success 1 None
    set -- $measured
    for metric in DnsTime ConnectTime TlsTime SendTime FirstByteTime TotalTime; do
        add "$name" "$metric" "$1" Seconds
        shift
    done
}

check health "$API_URL/health"
check health-db "$API_URL/health/db"
check health-redis "$API_URL/health/redis"
check page "$APP_URL/"
check asset "$APP_URL$ASSET_PATH"
check cors --request OPTIONS --header "Origin: $APP_URL" --header 'Access-Control-Request-Method: POST' \
    --header 'Access-Control-Request-Headers: content-type' "$API_URL/api/auth/login"
for url in ${URLS:-}; do
    measure "$url"
done
"$AWS" cloudwatch put-metric-data --namespace LendPeak2 --metric-data "[${data#,}]"
