/** Media files made on the spot: pictures whose grey tells their time, sound whose pitch and loudness are known. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Frame } from 'node-av/lib';
import type { Sound } from '../../../src/data/audio/sound.js';
import { TrackEncoder, type TrackPlan } from '../../../src/data/media/encoder.js';
import { type Library, loadLibrary } from '../../../src/data/media/library.js';
import type { Clip } from '../../../src/data/video/clip.js';
import { type WriteClipOptions, writeClip } from '../../../src/data/video/index.js';
import { folderOf } from '../fixtures.js';

export const HEIGHT = 48;
export const WIDTH = 64;
export const VIDEO_TYPES = ['mp4', 'mov', 'mkv', 'webm', 'avi'] as const;

/** The grey of frame `t`. */
export function greyOf(t: number): number {
  return 40 + 10 * t;
}

/** `count` frames of one grey each, with a dark square at the top left, whose place tells every turn and mirroring. */
export function greyClip(count: number, height = HEIGHT, width = WIDTH): Pick<Clip, 'height' | 'width' | 'frames'> {
  const frames = new Uint8Array(count * height * width * 3);
  for (let t = 0, at = 0; t < count; t++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at += 3) frames.fill(y < 16 && x < 16 ? 16 : greyOf(t), at, at + 3);
    }
  }
  return { height, width, frames };
}

/** Which frame a grey is of, from a place without the square. `[height, width, 3]` bytes. */
export function timeOf(picture: Uint8Array, height = HEIGHT, width = WIDTH): number {
  const at = ((height - 4) * width + width - 4) * 3;
  return Math.round((picture[at + 1] - greyOf(0)) / 10);
}

/** A tone of 440 Hz, silent before `from` seconds. */
export function tone(seconds: number, rate: number, channels = 1, from = 0, amplitude = 0.5): Sound {
  const frames = Math.round(seconds * rate);
  const samples = new Float32Array(frames * channels);
  for (let i = Math.round(from * rate); i < frames; i++) {
    // The second channel is quieter, so that an exchange shows.
    for (let c = 0; c < channels; c++) {
      samples[i * channels + c] = (amplitude / (c + 1)) * Math.sin((2 * Math.PI * 440 * i) / rate);
    }
  }
  return { rate, channels, samples };
}

/** A clip as bytes of a file of this type. */
export async function clipFile(
  type: (typeof VIDEO_TYPES)[number],
  clip: Pick<Clip, 'height' | 'width' | 'frames'>,
  options: WriteClipOptions,
): Promise<Uint8Array> {
  const path = join(await folderOf({}), `clip.${type}`);
  await writeClip(path, clip, options);
  return readFile(path);
}

/** One track in any of FFmpeg's containers and codecs. */
export async function encodeTrack(
  container: string,
  plan: (library: Library) => TrackPlan,
  frames: (library: Library) => Iterable<Frame>,
): Promise<Uint8Array> {
  const library = await loadLibrary();
  const path = join(await folderOf({}), 'track');
  const file = new library.FormatContext();
  library.FFmpegError.throwIfError(file.allocOutputContext2(null, container, path), container);
  const track = new TrackEncoder(library, file, path, plan(library));
  library.FFmpegError.throwIfError(file.openOutputSync(), path);
  library.FFmpegError.throwIfError(file.writeHeaderSync(null), container);
  for (const frame of frames(library)) track.write(frame);
  track.write(undefined);
  file.writeTrailerSync();
  track.free();
  file.closeOutputSync();
  file.freeContext();
  return readFile(path);
}

/** A sound as bytes of a file. */
export function soundFile(container: string, encoder: string, format: string, sound: Sound): Promise<Uint8Array> {
  const { rate, channels, samples } = sound;
  const layout = channels === 1 ? 'mono' : channels === 2 ? 'stereo' : '5.1';
  return encodeTrack(
    container,
    (library) => ({
      kind: 'audio',
      encoders: [encoder],
      options: {},
      tick: { num: 1, den: rate },
      configure: (codec) => {
        codec.sampleRate = rate;
        codec.sampleFormat = library.avGetSampleFmtFromName(format);
        codec.channelLayout = library.avChannelLayoutDefault(channels);
      },
      filters: (source, sink, frameSize) =>
        `${source}=sample_rate=${rate}:sample_fmt=flt:channel_layout=${layout}:time_base=1/${rate},` +
        `aformat=sample_fmts=${format},asetnsamples=n=${frameSize || 1024}:p=0,${sink}`,
    }),
    function* (library) {
      yield library.Frame.fromAudioBuffer(Buffer.from(samples.buffer), {
        nbSamples: samples.length / channels,
        format: library.AV_SAMPLE_FMT_FLT,
        sampleRate: rate,
        channelLayout: library.avChannelLayoutDefault(channels),
        pts: 0n,
      });
    },
  );
}

/** A Matroska video whose frames are shown at the given milliseconds: a variable frame rate. */
export function variableVideo(milliseconds: readonly number[], keyEvery = 250): Promise<Uint8Array> {
  const { frames } = greyClip(milliseconds.length);
  return encodeTrack(
    'matroska',
    (library) => ({
      kind: 'video',
      encoders: ['libx264'],
      options: { threads: '1', g: String(keyEvery) },
      tick: { num: 1, den: 1000 },
      configure: (codec) => {
        codec.height = HEIGHT;
        codec.width = WIDTH;
        codec.pixelFormat = library.AV_PIX_FMT_YUV420P;
      },
      filters: (source, sink) =>
        `${source}=width=${WIDTH}:height=${HEIGHT}:pix_fmt=rgb24:time_base=1/1000,scale,format=yuv420p,${sink}`,
    }),
    function* (library) {
      for (const [t, pts] of milliseconds.entries()) {
        const frame = new library.Frame();
        frame.alloc();
        frame.height = HEIGHT;
        frame.width = WIDTH;
        frame.format = library.AV_PIX_FMT_RGB24;
        frame.pts = BigInt(pts);
        frame.getBuffer();
        const [plane] = frame.data as Buffer[];
        for (let y = 0; y < HEIGHT; y++) {
          plane.set(
            frames.subarray((t * HEIGHT + y) * WIDTH * 3, (t * HEIGHT + y + 1) * WIDTH * 3),
            y * frame.linesize[0],
          );
        }
        yield frame;
      }
    },
  );
}

/** Where a box of an MP4 file of this type starts. */
export function findBox(bytes: Uint8Array, type: string): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(type, 0, 'latin1');
  if (at < 4) throw new Error(`no box ${type}`);
  return at - 4;
}

/** The MP4 with the display matrix [a, b, c, d] in its track header: (x, y) is shown at (ax + cy, bx + dy). */
export function turned(mp4: Uint8Array, [a, b, c, d]: readonly number[]): Uint8Array {
  const bytes = Uint8Array.from(mp4);
  const view = new DataView(bytes.buffer);
  const matrix = findBox(bytes, 'tkhd') + 48;
  for (const [word, value] of [a, b, 0, c, d, 0].entries()) {
    view.setInt32(matrix + 4 * word, value * (word % 3 === 2 ? 1 : 65536));
  }
  return bytes;
}

/** The strength of a frequency in a piece of one channel: the amplitude of a sine there. */
export function strength({ samples, channels, rate }: Sound, frequency: number, channel = 0): number {
  let [cosine, sine] = [0, 0];
  const frames = samples.length / channels;
  for (let i = 0; i < frames; i++) {
    cosine += samples[i * channels + channel] * Math.cos((2 * Math.PI * frequency * i) / rate);
    sine += samples[i * channels + channel] * Math.sin((2 * Math.PI * frequency * i) / rate);
  }
  return (2 * Math.hypot(cosine, sine)) / frames;
}
