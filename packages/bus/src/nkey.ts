/**
 * How NATS writes keys: a prefix that says what the key is, 32 bytes, a checksum, in base32 without padding (ADR-14 of NATS). Only
 * user keys. Each key has one spelling. Pure.
 */

/** The bytes before the key: `U…`, and `SU…`, whose second letter says whose seed it is. */
const heads = { public: Uint8Array.of(0xa0), seed: Uint8Array.of(0x95, 0x00) } as const;

/** What is written. */
type NkeyKind = keyof typeof heads;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Writes 32 bytes as a key. */
export function encodeNkey(kind: NkeyKind, key: Uint8Array): string {
  const body = Uint8Array.of(...heads[kind], ...key);
  const sum = checksum(body);
  return toBase32(Uint8Array.of(...body, sum & 0xff, sum >> 8));
}

/** The 32 bytes of a key, undefined when it is not spelled as {@link encodeNkey} spells it. */
export function decodeNkey(kind: NkeyKind, spelling: string): Uint8Array | undefined {
  const head = heads[kind];
  if (spelling.length !== Math.ceil(((head.length + 34) * 8) / 5)) return undefined;
  const bytes = fromBase32(spelling);
  const key = bytes?.subarray(head.length, head.length + 32);
  return key !== undefined && encodeNkey(kind, key) === spelling ? key : undefined;
}

function toBase32(bytes: Uint8Array): string {
  let [written, kept, bits] = ['', 0, 0];
  for (const byte of bytes) {
    kept = (kept << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) written += alphabet.charAt((kept >> (bits - 5)) & 31);
    kept &= (1 << bits) - 1;
  }
  return bits === 0 ? written : written + alphabet.charAt((kept << (5 - bits)) & 31);
}

function fromBase32(spelling: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let [kept, bits] = [0, 0];
  for (const letter of spelling) {
    const digit = alphabet.indexOf(letter);
    if (digit < 0) return undefined;
    kept = (kept << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((kept >> bits) & 0xff);
      kept &= (1 << bits) - 1;
    }
  }
  return Uint8Array.from(bytes);
}

/** CRC-16/XMODEM: polynomial 0x1021, from 0. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      sum = (sum & 0x8000) === 0 ? (sum << 1) & 0xffff : ((sum << 1) ^ 0x1021) & 0xffff;
  }
  return sum;
}
