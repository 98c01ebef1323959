/** The boxes of MP4, MOV and M4A files (ISO/IEC 14496-12), looked at before FFmpeg trusts what they say. */

const TOP_LEVEL = new Set(['ftyp', 'moov', 'mdat', 'moof', 'styp', 'sidx', 'wide', 'free', 'skip', 'pnot', 'uuid']);
const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'moof', 'traf']);
/** Most samples that a track may claim for each byte of the file; some old QuickTime codecs pack several into one. */
const SAMPLES_PER_BYTE = 8;
const ALWAYS_ALLOWED = 2 ** 20;

/**
 * Checks a file of ISO boxes; other files pass. The index of such a file names every sample, and FFmpeg makes room for
 * as many as it claims.
 * @throws Error with a short reason where the file was cut before its index, or the index claims absurdly many samples
 */
export function checkIsoBoxes(bytes: Uint8Array): void {
  if (bytes.length < 8 || !TOP_LEVEL.has(boxType(bytes, 0))) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const most = Math.max(ALWAYS_ALLOWED, bytes.length * SAMPLES_PER_BYTE);
  const seen = new Set<string>();
  let cut = false;

  const walk = (start: number, end: number, depth: number) => {
    for (let at = start; at + 8 <= end; ) {
      const type = boxType(bytes, at);
      const { header, size } = boxSize(view, at, end);
      if (size < header) return;
      if (depth === 0) seen.add(type);
      cut ||= at + size > end;
      const [from, to] = [at + header, Math.min(at + size, end)];
      if (CONTAINERS.has(type) && depth < 8) walk(from, to, depth + 1);
      else if (claimedSamples(view, type, from, to) > most)
        throw new Error('index claims more samples than the file holds');
      at += size;
    }
  };
  walk(0, bytes.length, 0);
  if (!seen.has('moov')) throw new Error(`${cut ? 'file is cut short: ' : ''}its index (moov) is missing`);
}

function boxType(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at + 4], bytes[at + 5], bytes[at + 6], bytes[at + 7]);
}

/** A size of 1 means that 64 bits follow, 0 that the box reaches to the end. */
function boxSize(view: DataView, at: number, end: number): { header: number; size: number } {
  const size = view.getUint32(at);
  if (size === 1 && at + 16 <= end) return { header: 16, size: Number(view.getBigUint64(at + 8)) };
  return { header: 8, size: size === 0 ? end - at : size };
}

/** Samples that a table of a track speaks of; 0 for boxes that are no such table. */
function claimedSamples(view: DataView, type: string, from: number, to: number): number {
  const word = (at: number) => (at + 4 <= to ? view.getUint32(at) : 0);
  if (type === 'stsz' || type === 'stz2') return word(from + 8);
  if (type === 'trun') return word(from + 4);
  if (type !== 'stts' && type !== 'ctts') return 0;
  const entries = Math.min(word(from + 4), Math.floor((to - from - 8) / 8));
  let total = 0;
  for (let i = 0; i < entries; i++) total += word(from + 8 + 8 * i);
  return total;
}
