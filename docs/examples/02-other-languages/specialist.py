"""The specialist `subject`: how a mail's subject line is written. Python 3, no SDK: it speaks NATS's text protocol itself.
Its duties: docs/protocol.md, "A specialist in sixty lines". The weights are log-odds from a regression over the first kind
of mail of the mail desk's corpus, rounded."""
import json, math, os, re, signal, socket, threading
from contextlib import suppress
from urllib.parse import urlparse

CONTROL, SERVER = int(os.environ["MABEAM_CONTROL_FD"]), urlparse(os.environ["NATS_URL"])
ASKED = f"mabeam.{os.environ['MABEAM_SPACE']}.ask.agent.{os.environ['MABEAM_AGENT']}"
HELLO = f'CONNECT {{"verbose":false,"pedantic":false,"headers":true,"name":"{ASKED}"}}\r\nSUB {ASKED} agent 1\r\nPING\r\n'
MONEY = re.compile(r"(?i)[$£€%]|\b(cash|cheap|credit|debt|earn|free|income|insurance|loan|money|mortgage|offer|rates?|save|win)\b")
CLUES = [("capitals throughout", 3.8, lambda text: len(text) > 5 and text.isupper()),
         ("money words", 5.5, lambda text: min(3, len(MONEY.findall(text))) / 3),
         ("exclamation marks", 1.9, lambda text: "!" in text),
         ("foreign characters", 2.5, lambda text: not text.isascii()),
         ("a reply", -2.4, lambda text: re.match(r"(?i)(re|fwd?):", text) is not None)]
over, sending, wire = threading.Event(), threading.Lock(), socket.socket()

def answer(question):  # the error headers, and the body
    try:
        subject = json.loads(question)["subject"]
        found = [(name, weight * amount(subject)) for name, weight, amount in CLUES]
        reasons = [f"in the subject: {name}" for name, weight in found if weight != 0] or ["a plain subject"]
        return "", {"probability": 1 / (1 + math.exp(0.1 - sum(weight for _, weight in found))), "reasons": reasons}
    except (LookupError, TypeError, AttributeError): code, message = "invalid-input", "a mail is an object with a subject that is text"
    except (ValueError, RecursionError): code, message = "malformed-message", "the question is not JSON"
    errors = f"Nats-Service-Error-Code: 400\r\nNats-Service-Error: {message}\r\nMabeam-Error: {code}\r\n"
    return errors, {"code": code, "message": message, "retryable": False, "status": 400}

def serve(stream):  # until it has drained, or the server is lost
    is_ready = False
    while (line := stream.readline()) and not (is_ready and line.startswith(b"PONG")):  # a second PONG is for UNSUB
        verb, *words = line.split()  # MSG <subject> <sid> [reply] <size>, HMSG <subject> <sid> [reply] <headers> <size>
        if verb == b"PING": send(b"PONG\r\n")
        if verb == b"PONG": is_ready = tell("ready")
        if verb not in (b"MSG", b"HMSG"): continue
        start = int(words[-2]) if verb == b"HMSG" else 0
        errors, body = answer(stream.read(int(words[-1]) + 2)[start:-2])
        head, body = f"NATS/1.0\r\nContent-Type: application/json\r\n{errors}\r\n".encode(), json.dumps(body).encode()
        if not words[2].startswith((b"_INBOX", b"_R_.")): continue
        send(b"HPUB %s %d %d\r\n%s%s\r\n" % (words[2], len(head), len(head + body), head, body))

def send(data):
    with sending, suppress(OSError): wire.sendall(data)  # lost: the reader finds that out
def tell(kind): return os.write(CONTROL, b'{"kind":"%s"}\n' % kind.encode()) > 0
def follow_host():  # what it says is nothing to us, its end is ours
    while os.read(CONTROL, 4096): pass
    os.kill(os.getpid(), signal.SIGTERM)
def await_end():
    signal.sigwait({signal.SIGTERM})
    over.set()
    send(b"UNSUB 1\r\nPING\r\n")

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
for duty in (follow_host, await_end): threading.Thread(target=duty, daemon=True).start()
while not over.wait(0.1):
    with suppress(OSError), socket.create_connection((SERVER.hostname, SERVER.port or 4222)) as wire:
        send(HELLO.encode())
        if not over.is_set(): serve(wire.makefile("rb"))
with suppress(OSError): tell("drained")
