/** Decoded frames to small RGB pictures: cut, scaled, turned and converted by FFmpeg's filters. */
import type { FilterContext, FilterGraph, Frame } from 'node-av/lib';
import type { Window } from '../resample.js';
import { codeInWords } from './library.js';
import type { MediaFile } from './mediaFile.js';
import { type Orientation, storedWindow } from './orientation.js';

/**
 * Shows the window of each frame at `height` x `width`. Scaling is cubic and widens when it shrinks, as for images. Frames
 * whose size or pixel format changes on the way are followed.
 */
export class PictureView {
  private graph: FilterGraph | undefined;
  private source: FilterContext | undefined;
  private sink: FilterContext | undefined;
  private described = '';
  private readonly out: Frame;

  constructor(
    private readonly file: MediaFile,
    private readonly orientation: Orientation,
    private readonly window: Window,
    private readonly size: readonly [height: number, width: number],
  ) {
    this.out = file.newFrame();
  }

  /** @returns bytes `[height, width, 3]`, sRGB */
  show(frame: Frame): Uint8Array {
    const { AV_BUFFERSRC_FLAG_KEEP_REF } = this.file.library;
    const description = this.describe(frame);
    if (description !== this.described) this.build(description);
    this.check(this.source?.buffersrcAddFrameSync(frame, AV_BUFFERSRC_FLAG_KEEP_REF));
    this.check(this.sink?.buffersinkGetFrameSync(this.out));
    const rgb = this.out.toBuffer();
    this.out.unref();
    return rgb;
  }

  /** Frees what is native. */
  free(): void {
    this.graph?.free();
    this.out.free();
  }

  private describe(frame: Frame): string {
    const { library } = this.file;
    const { transposed, flipX, flipY } = this.orientation;
    const format = library.avGetPixFmtName(frame.format as Parameters<typeof library.avGetPixFmtName>[0]);
    if (!format || frame.width < 1 || frame.height < 1) throw new Error('a frame has no pixel format');
    const crop = storedWindow(this.window, {
      ...this.orientation,
      storedHeight: frame.height,
      storedWidth: frame.width,
    });
    const [height, width] = transposed ? [this.size[1], this.size[0]] : this.size;
    return [
      `buffer@in=width=${frame.width}:height=${frame.height}:pix_fmt=${format}:time_base=1/1000` +
        `:colorspace=${frame.colorSpace}:range=${frame.colorRange}`,
      `crop=${crop.width}:${crop.height}:${crop.left}:${crop.top}:exact=1`,
      `scale=${width}:${height}:flags=bicubic+accurate_rnd+full_chroma_int`,
      'format=rgb24',
      ...(transposed ? ['transpose=cclock_flip'] : []),
      ...(flipX ? ['hflip'] : []),
      ...(flipY ? ['vflip'] : []),
      'buffersink@out',
    ].join(',');
  }

  private build(description: string): void {
    this.graph?.free();
    this.described = '';
    const graph = new this.file.library.FilterGraph();
    this.graph = graph;
    graph.alloc();
    graph.nbThreads = 1;
    this.check(graph.parse2(description));
    this.check(graph.configSync());
    [this.source, this.sink] = [
      graph.getFilter('buffer@in') ?? undefined,
      graph.getFilter('buffersink@out') ?? undefined,
    ];
    this.described = description;
  }

  private check(code = -1): void {
    if (code < 0) throw new Error(`a frame cannot be converted: ${codeInWords(this.file.library, code)}`);
  }
}
