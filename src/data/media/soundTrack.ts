/** The sound of any file that FFmpeg knows: whole, or a window of it in time. */
import type { Sound } from '../audio/sound.js';
import { MOST_CHANNELS, MOST_RATE, MOST_SAMPLES } from './limits.js';
import { MediaFile, type Track } from './mediaFile.js';
import { frameSamples } from './sampleFormats.js';

/** A decoded frame of sound. */
interface Piece {
  rate: number;
  channels: number;
  /** Seconds from the start of the file, where the frame tells it. */
  time: number | undefined;
  samples: Float32Array;
}

/** Windows that start later than this, in seconds, are sought for. */
const SEEK_BEYOND = 10;
/** Decoders need what came before to be right: MP3's bit reservoir, the overlap of AAC, 80 ms of Opus. In seconds. */
const WARM_UP = 0.5;
/** Times that differ less from where the previous frame ended are rounding of the container, in seconds. */
const JITTER = 0.03;

/**
 * Decodes the sound of a file, of a sound file or a video, in any container and codec that FFmpeg knows, at the rate and
 * with the channels that are stored. Of a damaged file what can be decoded; frames with another rate or number of
 * channels than the most part are left out.
 * @throws Error with a short reason where there is no sound track, nothing of it can be decoded, or it is longer than 2^28
 * samples; HiperceiverError where node-av is missing
 */
export async function decodeSoundTrack(bytes: Uint8Array): Promise<Sound> {
  const file = await MediaFile.open(bytes);
  try {
    if (!file.sound) throw new Error('has no sound track');
    const pieces = mostPart([...soundPieces(file, file.sound, 0)]);
    if (pieces.length === 0) throw new Error('its sound cannot be decoded');
    const samples = new Float32Array(pieces.reduce((total, piece) => total + piece.samples.length, 0));
    let at = 0;
    for (const piece of pieces) {
      samples.set(piece.samples, at);
      at += piece.samples.length;
    }
    return { rate: pieces[0].rate, channels: pieces[0].channels, samples };
  } finally {
    file.close();
  }
}

/**
 * The sound of `seconds` from `start` on, each frame at its time with silence in the gaps, or less where it ends earlier.
 * Undefined where nothing of this window can be decoded.
 */
export function soundWindow(file: MediaFile, track: Track, start: number, seconds: number): Sound | undefined {
  const sought = start > SEEK_BEYOND + WARM_UP;
  const found: Piece[] = [];
  for (const piece of soundPieces(file, track, sought ? start - WARM_UP : 0)) {
    const end = piece.time === undefined ? undefined : piece.time + duration(piece);
    if (end !== undefined && end <= start) continue;
    if (piece.time !== undefined && piece.time >= start + seconds) break;
    found.push(piece);
  }
  const pieces = mostPart(found);
  if (pieces.length === 0) return undefined;
  const { rate, channels } = pieces[0];
  const frames = Math.round(seconds * rate);
  if (frames * channels > MOST_SAMPLES) throw new Error('the wanted piece of sound is too long');
  const samples = new Float32Array(frames * channels);
  let next: number | undefined;
  let end = 0;
  for (const piece of pieces) {
    const stated = piece.time === undefined ? (next ?? 0) : Math.round((piece.time - start) * rate);
    const at: number = next !== undefined && Math.abs(stated - next) <= JITTER * rate ? next : stated;
    const [skip, place] = [Math.max(0, -at), Math.max(0, at)];
    const count = Math.min(piece.samples.length / channels - skip, frames - place);
    next = at + piece.samples.length / channels;
    if (count <= 0) continue;
    samples.set(piece.samples.subarray(skip * channels, (skip + count) * channels), place * channels);
    end = Math.max(end, place + count);
  }
  return end > 0 ? { rate, channels, samples: samples.slice(0, end * channels) } : undefined;
}

function* soundPieces(file: MediaFile, track: Track, from: number): Generator<Piece> {
  let total = 0;
  for (const frame of file.frames(track, from)) {
    const { channels, sampleRate: rate } = frame;
    if (!(frame.nbSamples > 0 && channels > 0 && channels <= MOST_CHANNELS && rate > 0 && rate <= MOST_RATE)) continue;
    total += frame.nbSamples * channels;
    if (total > MOST_SAMPLES) throw new Error('its sound is too long');
    yield {
      rate,
      channels,
      time: file.time(frame.bestEffortTimestamp, track),
      samples: frameSamples(file.library, frame),
    };
  }
}

/** The pieces of the most frequent rate and channels: a damaged header in their midst claims others. */
function mostPart(pieces: Piece[]): Piece[] {
  const totals = new Map<string, number>();
  const kind = (piece: Piece) => `${piece.rate}/${piece.channels}`;
  for (const piece of pieces) totals.set(kind(piece), (totals.get(kind(piece)) ?? 0) + duration(piece));
  if (totals.size < 2) return pieces;
  const [[most]] = [...totals].sort((a, b) => b[1] - a[1]);
  return pieces.filter((piece) => kind(piece) === most);
}

function duration({ samples, channels, rate }: Piece): number {
  return samples.length / channels / rate;
}
