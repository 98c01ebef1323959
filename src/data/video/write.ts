/** Clips as video files that browsers and players show. */
import { renameSync, rmSync } from 'node:fs';
import { extname } from 'node:path';
import type { FormatContext, Frame } from 'node-av/lib';
import { ensure } from '../../errors/index.js';
import type { Sound } from '../audio/sound.js';
import { TrackEncoder, type TrackPlan } from '../media/encoder.js';
import { codeInWords, type Library, loadLibrary } from '../media/library.js';
import type { Clip } from './clip.js';

/** How fast the pictures follow each other, and what is heard. */
export interface WriteClipOptions {
  /** Frames per second. */
  frameRate: number;
  sound?: Sound;
}

/** What is written for each file name extension. */
interface FileType {
  /** FFmpeg's name of the container. */
  container: string;
  video: Pick<TrackPlan, 'encoders' | 'options'>;
  audio: Pick<TrackPlan, 'encoders' | 'options'> & { format: 'flt' | 'fltp' | 's16'; rates?: readonly number[] };
}

const AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
const OPUS_RATES = [48000, 24000, 16000, 12000, 8000];

const H264_AAC: Omit<FileType, 'container'> = {
  video: { encoders: ['libx264', 'libopenh264', 'mpeg4'], options: { threads: '1' } },
  audio: { encoders: ['aac'], options: { b: '128000' }, format: 'fltp', rates: AAC_RATES },
};

const TYPES: Record<string, FileType> = {
  '.mp4': { container: 'mp4', ...H264_AAC },
  '.mov': { container: 'mov', ...H264_AAC },
  '.mkv': { container: 'matroska', ...H264_AAC },
  '.webm': {
    container: 'webm',
    video: { encoders: ['libvpx-vp9', 'libvpx'], options: { threads: '1', b: '0', crf: '30', deadline: 'realtime' } },
    audio: { encoders: ['libopus'], options: { b: '96000' }, format: 'flt', rates: OPUS_RATES },
  },
  '.avi': {
    container: 'avi',
    video: { encoders: ['mpeg4'], options: { threads: '1', b: '1000000' } },
    audio: { encoders: ['pcm_s16le'], options: {}, format: 's16' },
  },
};

/** Samples of one frame of sound: what AAC takes, and other encoders too. */
const BLOCK = 1024;

/**
 * Writes a clip, and its sound, as MP4 or MOV (H.264 and AAC), MKV, WebM (VP9 and Opus) or AVI (MPEG-4 and PCM), by
 * the extension of `path`. Sides become even, as these codecs want it; a rate that the sound's codec has not becomes the next higher one.
 * The file appears when it is whole.
 * @throws HiperceiverError where node-av is missing, the extension is another, or the file cannot be written
 */
export async function writeClip(
  path: string,
  clip: Pick<Clip, 'height' | 'width' | 'frames'>,
  options: WriteClipOptions,
): Promise<void> {
  const type = TYPES[extname(path).toLowerCase()];
  ensure(type, () => `Cannot write "${path}" as video: name it ${Object.keys(TYPES).join(', ')}.`);
  ensure(
    clip.frames.length > 0 && clip.frames.length % (clip.height * clip.width * 3) === 0,
    () => `A clip of ${clip.height}x${clip.width} has ${clip.frames.length} bytes: give [frames, height, width, 3].`,
  );
  ensure(
    Number.isFinite(options.frameRate) && options.frameRate > 0,
    () => `frameRate is ${options.frameRate}: give frames per second above 0.`,
  );
  const library = await loadLibrary();
  const partial = `${path}.partial`;
  try {
    writeFile(library, type, path, partial, clip, options);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

function writeFile(
  library: Library,
  type: FileType,
  path: string,
  partial: string,
  { height, width, frames }: Pick<Clip, 'height' | 'width' | 'frames'>,
  { frameRate, sound }: WriteClipOptions,
): void {
  const check = (code: number) =>
    ensure(code >= 0, () => `Cannot write "${path}": ${codeInWords(library, code)}; check that its folder exists.`);
  const file = new library.FormatContext();
  const tracks: TrackEncoder[] = [];
  try {
    check(file.allocOutputContext2(null, type.container, partial));
    const video = new TrackEncoder(library, file, path, picturePlan(library, type, height, width, frameRate));
    tracks.push(video);
    const audio = sound && new TrackEncoder(library, file, path, soundPlan(library, type, sound));
    if (audio) tracks.push(audio);
    check(file.openOutputSync());
    writeHeader(library, file, type, check);

    const count = frames.length / (height * width * 3);
    const soundFrames = sound ? sound.samples.length / sound.channels : 0;
    let heard = 0;
    for (let i = 0; i < count; i++) {
      video.write(pictureFrame(library, frames.subarray(i * height * width * 3), height, width, i));
      // Sound up to the end of this picture, so that both lie side by side in the file.
      const until = sound ? (i === count - 1 ? soundFrames : Math.round(((i + 1) / frameRate) * sound.rate)) : 0;
      for (; sound && heard < Math.min(soundFrames, until); heard += BLOCK)
        audio?.write(soundFrame(library, sound, heard));
    }
    for (const track of tracks) track.write(undefined);
    check(file.writeTrailerSync());
  } finally {
    for (const track of tracks) track.free();
    file.closeOutputSync();
    file.freeContext();
  }
}

function writeHeader(
  library: Library,
  file: FormatContext,
  { container }: FileType,
  check: (code: number) => void,
): void {
  const options = library.Dictionary.fromObject(
    container === 'mp4' || container === 'mov' ? { movflags: '+faststart' } : {},
  );
  check(file.writeHeaderSync(options));
  options.free();
}

function picturePlan(
  library: Library,
  { video }: FileType,
  height: number,
  width: number,
  frameRate: number,
): TrackPlan {
  const tick = { num: 1000, den: Math.round(frameRate * 1000) };
  const [tall, wide] = [height + (height & 1), width + (width & 1)];
  return {
    ...video,
    kind: 'video',
    tick,
    configure: (codec) => {
      codec.height = tall;
      codec.width = wide;
      codec.pixelFormat = library.AV_PIX_FMT_YUV420P;
      codec.framerate = new library.Rational(tick.den, tick.num);
    },
    filters: (source, sink) =>
      `${source}=width=${width}:height=${height}:pix_fmt=rgb24:time_base=${tick.num}/${tick.den},` +
      `scale=${wide}:${tall}:flags=bicubic+accurate_rnd,format=yuv420p,${sink}`,
  };
}

function soundPlan(library: Library, { audio }: FileType, { channels, rate }: Sound): TrackPlan {
  ensure(
    channels === 1 || channels === 2,
    () => `The sound of a clip has ${channels} channels: mix it to 1 or 2 first.`,
  );
  const { rates = [rate] } = audio;
  const higher = rates.filter((supported) => supported >= rate);
  const stored = higher.length > 0 ? Math.min(...higher) : Math.max(...rates);
  const layout = channels === 1 ? 'mono' : 'stereo';
  return {
    ...audio,
    kind: 'audio',
    tick: { num: 1, den: stored },
    configure: (codec) => {
      codec.sampleRate = stored;
      codec.sampleFormat = library.avGetSampleFmtFromName(audio.format);
      codec.channelLayout = library.avChannelLayoutDefault(channels);
    },
    filters: (source, sink, frameSize) =>
      `${source}=sample_rate=${rate}:sample_fmt=flt:channel_layout=${layout}:time_base=1/${rate},aresample=${stored},` +
      `aformat=sample_fmts=${audio.format}:channel_layouts=${layout},asetnsamples=n=${frameSize || BLOCK}:p=0,${sink}`,
  };
}

/** Rows are copied one by one: FFmpeg's start at multiples of its own. */
function pictureFrame(library: Library, rgb: Uint8Array, height: number, width: number, index: number): Frame {
  const frame = new library.Frame();
  frame.alloc();
  frame.height = height;
  frame.width = width;
  frame.format = library.AV_PIX_FMT_RGB24;
  frame.pts = BigInt(index);
  frame.getBuffer();
  const [[plane], [stride]] = [frame.data ?? [], frame.linesize];
  ensure(plane, () => `A picture of ${height}x${width} finds no memory: write fewer or smaller ones.`);
  for (let y = 0; y < height; y++) plane.set(rgb.subarray(y * width * 3, (y + 1) * width * 3), y * stride);
  return frame;
}

function soundFrame(library: Library, { samples, channels, rate }: Sound, start: number): Frame {
  const block = samples.slice(start * channels, (start + BLOCK) * channels).map((x) => Math.min(1, Math.max(-1, x)));
  return library.Frame.fromAudioBuffer(Buffer.from(block.buffer), {
    nbSamples: block.length / channels,
    format: library.AV_SAMPLE_FMT_FLT,
    sampleRate: rate,
    channelLayout: library.avChannelLayoutDefault(channels),
    pts: BigInt(start),
  });
}
