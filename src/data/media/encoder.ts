/** One track of a file that is being written: frames through filters and an encoder to packets. */
import type { CodecContext, FilterContext, FilterGraph, FormatContext, Frame, Packet, Stream } from 'node-av/lib';
import { HiperceiverError } from '../../errors/index.js';
import { codeInWords, type Library } from './library.js';

/** What a track is made of. */
export interface TrackPlan {
  /** FFmpeg's names of encoders, the best one first. */
  encoders: readonly string[];
  /** Options of the encoder. */
  options: Record<string, string>;
  /** Seconds of one tick of the encoder: 1 / frame rate, or 1 / sampling rate. */
  tick: { num: number; den: number };
  /** Sets size or rate and the format of an encoder. */
  configure(codec: CodecContext): void;
  /** Filters from frames as they are given to frames as they are encoded, from a source to a sink of this name. */
  filters(source: string, sink: string, frameSize: number): string;
  kind: 'video' | 'audio';
}

/** Encodes the frames of one track into an open file. */
export class TrackEncoder {
  private readonly codec: CodecContext;
  private readonly graph: FilterGraph;
  private readonly packet: Packet;
  private readonly filtered: Frame;
  private readonly source: FilterContext;
  private readonly sink: FilterContext;
  private readonly stream: Stream;

  constructor(
    private readonly library: Library,
    private readonly file: FormatContext,
    private readonly path: string,
    plan: TrackPlan,
  ) {
    const { AV_CODEC_FLAG_GLOBAL_HEADER, AVFMT_GLOBALHEADER, Codec, CodecContext, FilterGraph, Rational } = library;
    type Name = Parameters<typeof Codec.findEncoderByName>[0];
    const encoder = plan.encoders.map((name) => Codec.findEncoderByName(name as Name)).find((found) => found !== null);
    if (!encoder) {
      throw new HiperceiverError(
        `Cannot write "${path}": this FFmpeg has no encoder ${plan.encoders.join(' or ')}, take another file type.`,
      );
    }
    this.codec = new CodecContext();
    this.codec.allocContext3(encoder);
    this.codec.timeBase = new Rational(plan.tick.num, plan.tick.den);
    plan.configure(this.codec);
    if (file.oformat?.hasFlags(AVFMT_GLOBALHEADER)) this.codec.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
    for (const [name, value] of Object.entries(plan.options)) this.check(this.codec.setOption(name, value));
    this.check(this.codec.open2Sync(encoder, null));

    const [source, sink] = plan.kind === 'video' ? ['buffer@in', 'buffersink@out'] : ['abuffer@in', 'abuffersink@out'];
    this.graph = new FilterGraph();
    this.graph.alloc();
    this.graph.nbThreads = 1;
    this.check(this.graph.parse2(plan.filters(source, sink, this.codec.frameSize)));
    this.check(this.graph.configSync());
    this.source = this.graph.getFilter(source) as FilterContext;
    this.sink = this.graph.getFilter(sink) as FilterContext;

    this.stream = file.newStream(null);
    this.check(this.stream.codecpar.fromContext(this.codec));
    this.stream.timeBase = this.codec.timeBase;
    this.stream.sampleAspectRatio = this.codec.sampleAspectRatio;
    this.packet = new library.Packet();
    this.packet.alloc();
    this.filtered = new library.Frame();
    this.filtered.alloc();
  }

  /** Encodes a frame and frees it; undefined ends the track. */
  write(frame: Frame | undefined): void {
    this.check(this.source.buffersrcAddFrameSync(frame ?? null));
    frame?.free();
    while (this.sink.buffersinkGetFrameSync(this.filtered) >= 0) {
      this.filtered.pictType = this.library.AV_PICTURE_TYPE_NONE;
      this.encode(this.filtered);
      this.filtered.unref();
    }
    if (!frame) this.encode(null);
  }

  /** Frees what is native. */
  free(): void {
    this.packet.free();
    this.filtered.free();
    this.graph.free();
    this.codec.freeContext();
  }

  private encode(frame: Frame | null): void {
    this.check(this.codec.sendFrameSync(frame));
    while (this.codec.receivePacketSync(this.packet) >= 0) {
      this.packet.streamIndex = this.stream.index;
      // Without one the last picture of an MP4 lasts no time, and is not shown.
      if (this.packet.duration === 0n) this.packet.duration = 1n;
      this.packet.rescaleTs(this.codec.timeBase, this.stream.timeBase);
      this.check(this.file.interleavedWriteFrameSync(this.packet));
      this.packet.unref();
    }
  }

  private check(code: number): void {
    if (code >= 0) return;
    throw new HiperceiverError(
      `Cannot write "${this.path}": ${codeInWords(this.library, code)}; check the folder and the clip's sizes.`,
    );
  }
}
