#!/usr/bin/env bash
# The specialist `marks`: exclamation marks, money signs, promises and quotations in a mail. Bash 5, no SDK: it speaks NATS's text
# protocol over /dev/tcp. Its duties: docs/protocol.md, "A specialist in sixty lines". It counts in the question as it is written,
# without taking the JSON apart. A point is about 1 of log-odds, by a regression over the first kind of mail of the desk's corpus.
set -f; LC_ALL=C # lengths are bytes
crlf=$'\r\n' asked="mabeam.$MABEAM_SPACE.ask.agent.$MABEAM_AGENT" server=${NATS_URL#*://} control=$MABEAM_CONTROL_FD
server=${server%/}; [[ $server == *:* ]] || server+=:4222
permille=(2 7 18 47 119 269 500 731 881 953 982 993 998) # the probability at -6 to 6 points

send() { echo "$1"$'\r' >&"$wire"; } 2>/dev/null
tell() { printf '{"kind":"%s"}\n' "$1" >&"$control"; } 2>/dev/null
count() { # into $1: how often $2 is in the question, at most $3
  local rest=${question//"$2"/}
  printf -v "$1" %d $(((${#question} - ${#rest}) / ${#2} < $3 ? (${#question} - ${#rest}) / ${#2} : $3))
}
opinion() {
  local bangs dollars promises quoted wrote points
  count bangs '!' 10; count dollars '$' 4; count promises uarantee 1; count quoted '\n>' 5; count wrote wrote: 1
  points=$((bangs / 2 + dollars + 2 * promises - quoted - 3 * wrote - 1))
  points=$((points > 6 ? 6 : points < -6 ? -6 : points))
  printf -v body '{"probability":0.%03d,"reasons":["at least %d exclamation marks, %d money signs, %d promises, %d quotations"]}' \
    "${permille[points + 6]}" "$bangs" "$dollars" "$promises" $((quoted + wrote))
}
refuse() { # code, message
  errors="Nats-Service-Error-Code: 400${crlf}Nats-Service-Error: $2${crlf}Mabeam-Error: $1$crlf"
  body="{\"code\":\"$1\",\"message\":\"$2\",\"retryable\":false,\"status\":400}"
}
answer() { # reply subject, question
  local question=$2 body errors='' head
  if [[ $question != *([[:space:]])\{*\}*([[:space:]]) ]]; then refuse malformed-message 'the question is not a JSON object'
  elif [[ $question != *\"text\"*([[:space:]]):*([[:space:]])\"* ]]; then refuse invalid-input 'a mail has a text'
  else opinion; fi
  head="NATS/1.0${crlf}Content-Type: application/json$crlf$errors$crlf"
  ((++pings)) # bash writes line by line, and TCP would keep the second until the first is acknowledged: PING is, at once
  send "PING${crlf}HPUB $1 ${#head} $((${#head} + ${#body}))$crlf$head$body"
}
serve() { # until it has drained, or the server is lost
  local line words payload start broken='' pings=1
  send "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"name\":\"$asked\"}${crlf}SUB $asked agent 1${crlf}PING"
  while IFS= read -r line <&"$wire"; do
    words=(${line%$'\r'}) start=0 # MSG <subject> <sid> [reply] <size>, HMSG <subject> <sid> [reply] <headers> <size>
    case ${words[0]} in
      PING) send PONG ;;
      PONG) ((--pings)) || { [[ $stopping ]] && return; [[ $ready ]] || tell ready; ready=1; } ;;
      HMSG) start=${words[-2]} ;&
      MSG) IFS= read -r -t 1 -N $((words[-1] + 2)) payload <&"$wire"
        [[ $payload == *"$crlf" ]] || broken=1 start=0 payload=$crlf # a NUL byte, which bash drops: it is out of step
        [[ ${words[3]} == @(_INBOX|_R_.)* ]] && answer "${words[3]}" "${payload:start:${#payload}-start-2}"
        [[ $broken ]] && return ;;
    esac
  done
}
trap 'stopping=1; ((++pings)); send "UNSUB 1${crlf}PING"' TERM # its PONG comes after the last question
trap '' PIPE
(while read -r <&"$control"; do :; done; kill -TERM $$ 2>/dev/null) & # the host's end is ours
until [[ $stopping ]]; do
  if { exec {wire}<>"/dev/tcp/${server%:*}/${server##*:}"; } 2>/dev/null; then serve; exec {wire}>&-; fi
  [[ $stopping ]] || sleep 0.25 # the server is lost, or not there yet
done
tell drained || exit 0
