/**
 * The frames of the NATS protocol, as a proxy between a client and a server sees them: lines, and messages with a payload.
 * Pure; it needs no more of the protocol than where a frame ends and what a message is about. Plain TCP only: neither TLS nor
 * websockets can be read on the way.
 *
 * F1  The bytes of all frames, one after the other, are the bytes that came in; cutting those differently changes nothing.
 * F2  What does not look like a message is a line, and is handed on as it is.
 */

/** A message on its way: `PUB` and `HPUB` go to the server, `MSG` and `HMSG` come from it. */
export interface MessageFrame {
  readonly kind: 'message';
  readonly verb: 'PUB' | 'HPUB' | 'MSG' | 'HMSG';
  readonly subject: string;
  readonly reply: string | undefined;
  /** The block of headers, empty when there are none; see `frameHeaders`. */
  readonly headerBytes: Buffer;
  readonly payload: Buffer;
  /** The whole frame. */
  readonly bytes: Buffer;
}

/** Anything else: `INFO`, `CONNECT`, `SUB`, `UNSUB`, `PING`, `PONG`, `+OK`, `-ERR`. */
export interface LineFrame {
  readonly kind: 'line';
  readonly verb: string;
  readonly bytes: Buffer;
}

/** One frame of the NATS protocol: a message with its payload, or a line. */
export type Frame = MessageFrame | LineFrame;

/** Takes one direction of a connection in pieces of any size and gives its frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that these bytes complete (F1). */
  read(bytes: Buffer): readonly Frame[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    let start = 0;
    for (let frame = frameAt(all, start); frame !== undefined; frame = frameAt(all, start)) {
      frames.push(frame);
      start += frame.bytes.length;
    }
    this.#rest = all.subarray(start);
    return frames;
  }

  /** How many bytes wait for the rest of their frame. */
  get unfinishedBytes(): number {
    return this.#rest.length;
  }
}

/** The headers of a message: names in lower case, the last of several with one name. */
export function frameHeaders({ headerBytes }: MessageFrame): ReadonlyMap<string, string> {
  const [, ...lines] = headerBytes.toString().split('\r\n');
  const pairs = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 0 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const];
  });
  return new Map(pairs);
}

/** The frame that begins at `start`; undefined while its end is not here. */
function frameAt(all: Buffer, start: number): Frame | undefined {
  const newline = all.indexOf(0x0a, start);
  if (newline < 0) return undefined;
  const line = all.toString('utf8', start, newline).replace(/\r$/, '');
  const lineEnd = newline + 1;
  const head = parseHead(line);
  if (head === undefined) {
    return {
      kind: 'line',
      verb: (line.split(/[ \t]/, 1)[0] ?? '').toUpperCase(),
      bytes: all.subarray(start, lineEnd),
    };
  }
  const { verb, reply, headerSize, totalSize } = head;
  const end = lineEnd + totalSize + 2;
  if (end > all.length) return undefined;
  return {
    kind: 'message',
    verb,
    subject: head.subject,
    reply,
    headerBytes: all.subarray(lineEnd, lineEnd + headerSize),
    payload: all.subarray(lineEnd + headerSize, lineEnd + totalSize),
    bytes: all.subarray(start, end),
  };
}

interface Head {
  readonly verb: MessageFrame['verb'];
  readonly subject: string;
  readonly reply: string | undefined;
  readonly headerSize: number;
  readonly totalSize: number;
}

/** `PUB subject [reply] total`, `HPUB subject [reply] headers total`; `MSG` and `HMSG` have a subscription id after the subject. */
const heads = {
  PUB: /^PUB[ \t]+(?<subject>[^ \t]+)(?:[ \t]+(?<reply>[^ \t]+))?[ \t]+(?<total>\d+)$/i,
  HPUB: /^HPUB[ \t]+(?<subject>[^ \t]+)(?:[ \t]+(?<reply>[^ \t]+))?[ \t]+(?<headers>\d+)[ \t]+(?<total>\d+)$/i,
  MSG: /^MSG[ \t]+(?<subject>[^ \t]+)[ \t]+[^ \t]+(?:[ \t]+(?<reply>[^ \t]+))?[ \t]+(?<total>\d+)$/i,
  HMSG: /^HMSG[ \t]+(?<subject>[^ \t]+)[ \t]+[^ \t]+(?:[ \t]+(?<reply>[^ \t]+))?[ \t]+(?<headers>\d+)[ \t]+(?<total>\d+)$/i,
} as const;

function parseHead(line: string): Head | undefined {
  const verb = (['PUB', 'HPUB', 'MSG', 'HMSG'] as const).find((each) => heads[each].test(line));
  if (verb === undefined) return undefined;
  const { subject = '', reply, headers = '0', total = '0' } = heads[verb].exec(line)?.groups ?? {};
  const [headerSize, totalSize] = [Number(headers), Number(total)];
  return headerSize > totalSize ? undefined : { verb, subject, reply, headerSize, totalSize };
}
