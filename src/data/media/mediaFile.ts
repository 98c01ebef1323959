/** An encoded file opened with FFmpeg: its tracks, and their decoded frames one after the other. */
import { setImmediate } from 'node:timers/promises';
import type { CodecContext, FormatContext, Frame, Packet, Stream } from 'node-av/lib';
import { checkIsoBoxes } from './isoBoxes.js';
import { codeInWords, type Library, loadLibrary } from './library.js';
import { checkPixels, MOST_PIXELS } from './limits.js';
import { spill } from './spill.js';

/**
 * FFmpeg's names of the containers that are read. Its text, play list and image sequence formats are left out: they
 * would show prose as a film, or open further files and addresses that an uploaded file names.
 */
const FORMATS =
  'aac,ac3,aiff,amr,ape,apng,asf,au,avi,caf,dts,dv,eac3,flac,flv,gif,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mp3,mpc,mpc8,' +
  'mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,tta,w64,wav,webm,wv,yuv4mpegpipe';

/** One track of a file. It outlives the native stream that it describes. */
export interface Track {
  index: number;
  ticksPerSecond: number;
  /** The moment of its end in seconds from the start of the file, where the header tells it. */
  end?: number;
}

/**
 * All calls are synchronous: FFmpeg's asynchronous ones wait for a free thread before each packet, which on a busy
 * machine takes a hundred times as long as decoding. Decode in a worker thread where the main one must stay free.
 */
export class MediaFile {
  private context: FormatContext | undefined;
  private forget = () => {};
  private buffers: [Frame, Frame] | undefined;
  pictures: Track | undefined;
  sound: Track | undefined;
  /** What the clock of the file shows at its start, in seconds. */
  start = 0;
  /** Length in seconds, where the container tells it. */
  duration: number | undefined;

  private constructor(
    readonly library: Library,
    private readonly bytes: Uint8Array,
  ) {}

  /**
   * @throws Error with a short reason where the bytes are no media file or its header is damaged; HiperceiverError where
   * node-av is missing
   */
  static async open(bytes: Uint8Array): Promise<MediaFile> {
    if (bytes.length === 0) throw new Error('file is empty');
    checkIsoBoxes(bytes);
    const file = new MediaFile(await loadLibrary(), bytes);
    // Collected native objects are freed between turns of the event loop alone: without one a loop over files would grow.
    await setImmediate();
    try {
      file.restart();
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  }

  /** Opens the file anew: what is read next comes from its start. */
  restart(): void {
    this.close();
    const { AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO, Dictionary, FormatContext } = this.library;
    const context = new FormatContext();
    this.forget = spill(this.bytes, (path) => {
      const options = Dictionary.fromObject({ format_whitelist: FORMATS, protocol_whitelist: 'file' });
      const code = context.openInputSync(`file:${path}`, null, options);
      options.free();
      if (code < 0) throw new Error(`cannot be opened as sound or video: ${codeInWords(this.library, code)}`);
    });
    this.context = context;
    for (const { codecpar } of context.streams) checkPixels(codecpar.width, codecpar.height);
    if (context.findStreamInfoSync(null) < 0) throw new Error('its tracks cannot be read');
    this.start = this.seconds(context.startTime, 1e6) ?? 0;
    this.duration = this.seconds(context.duration, 1e6);
    this.pictures = this.track(AVMEDIA_TYPE_VIDEO);
    this.sound = this.track(AVMEDIA_TYPE_AUDIO);
  }

  /** Goes back to the start for another track: cheaper than {@link restart}, which is left for files that cannot seek. */
  rewind(track: Track): void {
    this.seek(track, 0);
  }

  /** Frees everything. A second call does nothing. */
  close(): void {
    this.context?.closeInputSync();
    this.context = undefined;
    this.forget();
    this.forget = () => {};
    for (const frame of this.buffers ?? []) frame.free();
    this.buffers = undefined;
  }

  /** The native stream of a track, until the next {@link restart}. */
  stream({ index }: Track): Stream {
    return this.opened().streams[index];
  }

  /** Ticks as seconds from the start of the file; undefined where there are none. */
  time(ticks: bigint, { ticksPerSecond }: Track): number | undefined {
    const seconds = this.seconds(ticks, ticksPerSecond);
    return seconds === undefined ? undefined : seconds - this.start;
  }

  /** The moment at which the last packet of a track ends, by reading all of them undecoded. {@link restart} afterwards. */
  countedEnd(track: Track): number {
    let end = 0;
    for (const packet of this.packets(track)) {
      if (!packet) break;
      const time = this.time(packet.pts, track) ?? this.time(packet.dts, track) ?? 0;
      end = Math.max(end, time + Number(packet.duration) / track.ticksPerSecond);
    }
    return end;
  }

  /**
   * The decoded frames of a track in order of presentation, from the key frame at or before `from` seconds. A frame stays
   * valid until the second one after it, the last two until the file is closed. Damaged packets are left out.
   * @throws Error with a short reason where there is no decoder
   */
  *frames(track: Track, from: number): Generator<Frame> {
    if (from > 0) this.seek(track, from);
    const decoder = this.decoder(track);
    this.buffers ??= [this.newFrame(), this.newFrame()];
    const frames = this.buffers;
    let current = 0;
    try {
      for (const packet of this.packets(track)) {
        decoder.sendPacketSync(packet);
        for (;;) {
          frames[current].unref();
          if (decoder.receiveFrameSync(frames[current]) < 0) break;
          yield frames[current];
          current = 1 - current;
        }
      }
    } finally {
      decoder.freeContext();
    }
  }

  /** An empty frame, to be freed by the caller. */
  newFrame(): Frame {
    const frame = new this.library.Frame();
    frame.alloc();
    return frame;
  }

  /** The packets of one track as far as they can be read, and then null, which makes a decoder give its last frames. */
  private *packets(track: Track): Generator<Packet | null> {
    const { AVDISCARD_ALL, AVDISCARD_DEFAULT, Packet } = this.library;
    const context = this.opened();
    for (const stream of context.streams) {
      stream.discard = stream.index === track.index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    }
    const packet = new Packet();
    packet.alloc();
    try {
      while (context.readFrameSync(packet) >= 0) {
        if (packet.streamIndex === track.index) yield packet;
        packet.unref();
      }
      yield null;
    } finally {
      packet.free();
    }
  }

  /** Where seeking fails the file is read from its start: slower, and right. */
  private seek({ index, ticksPerSecond }: Track, from: number): void {
    const ticks = BigInt(Math.round((from + this.start) * ticksPerSecond));
    if (this.opened().seekFrameSync(index, ticks, this.library.AVSEEK_FLAG_BACKWARD) < 0) this.restart();
  }

  private decoder(track: Track): CodecContext {
    const { avGetCodecName, Codec, CodecContext } = this.library;
    const { codecpar, timeBase } = this.stream(track);
    const codec = Codec.findDecoder(codecpar.codecId);
    if (!codec) throw new Error(`there is no decoder for its codec (${avGetCodecName(codecpar.codecId)})`);
    const decoder = new CodecContext();
    decoder.allocContext3(codec);
    decoder.parametersToContext(codecpar);
    decoder.pktTimebase = timeBase;
    decoder.threadCount = 1; // several files are decoded side by side, each in its own worker thread
    decoder.setOption('max_pixels', String(MOST_PIXELS)); // not through open2Sync, which frees its dictionary twice
    const code = decoder.open2Sync(codec, null);
    if (code >= 0) return decoder;
    decoder.freeContext();
    throw new Error(`its ${codec.name} decoder cannot be opened: ${codeInWords(this.library, code)}`);
  }

  /** The best track of a kind; a cover picture is none. */
  private track(kind: Parameters<FormatContext['findBestStream']>[0]): Track | undefined {
    const { streams } = this.opened();
    const index = this.opened().findBestStream(kind);
    if (index < 0 || streams[index].hasDisposition(this.library.AV_DISPOSITION_ATTACHED_PIC)) return undefined;
    const { duration, startTime, timeBase } = streams[index];
    const ticksPerSecond = timeBase.num > 0 && timeBase.den > 0 ? timeBase.den / timeBase.num : 1;
    const length = this.seconds(duration, ticksPerSecond);
    const offset = (this.seconds(startTime, ticksPerSecond) ?? this.start) - this.start;
    return { index, ticksPerSecond, end: length === undefined ? undefined : offset + length };
  }

  private seconds(ticks: bigint, perSecond: number): number | undefined {
    return ticks === this.library.AV_NOPTS_VALUE ? undefined : Number(ticks) / perSecond;
  }

  private opened(): FormatContext {
    if (!this.context) throw new Error('the file is closed');
    return this.context;
  }
}
