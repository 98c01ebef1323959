/**
 * TensorBoard event files: scalars, pictures and text that `tensorboard --logdir` shows.
 * The messages are those of tensorflow/core/util/event.proto and framework/summary.proto.
 */

import { hostname } from 'node:os';
import { join } from 'node:path';
import { errorCode, writeError } from '../../checkpoint/index.js';
import { ensure } from '../../errors/index.js';
import { ProtoWriter } from '../../protobuf/index.js';
import { AppendFile } from './appendFile.js';
import { maskedCrc32c } from './crc32c.js';

/** `DT_STRING` of tensorflow/core/framework/types.proto. */
const DT_STRING = 7;
/** `DATA_CLASS_TENSOR`: tells TensorBoard that the value is kept whole. */
const DATA_CLASS_TENSOR = 2;
const SESSION_START = 1;

/** Writes one event file. Every event is in the system's hands when its method returns. */
export class TensorBoardWriter {
  private readonly file: AppendFile;

  /**
   * Makes `events.out.tfevents.<time>.<host>` in `folder`.
   * @param options.purgeStep on resume, the first step to be made again: TensorBoard then hides what earlier event files
   *   of the folder say of it and of later steps.
   */
  constructor(folder: string, options: { purgeStep?: number } = {}) {
    this.file = newEventFile(folder);
    this.write((event) => event.string(3, 'brain.Event:2'));
    const { purgeStep } = options;
    if (purgeStep !== undefined)
      this.write((event) => event.int64(2, purgeStep).message(7, (log) => log.uint(1, SESSION_START)));
  }

  get path(): string {
    return this.file.path;
  }

  /** A point of the curve `tag`, e.g. `train/loss`. */
  scalar(tag: string, value: number, step: number): void {
    this.summary(tag, step, (entry) => entry.float(2, value));
  }

  /** A picture, as the bytes of a PNG file. */
  image(tag: string, png: Uint8Array, step: number): void {
    const { width, height, channels } = pngHeader(tag, png);
    this.summary(tag, step, (entry) =>
      entry.message(4, (image) => image.uint(1, height).uint(2, width).uint(3, channels).bytes(4, png)),
    );
  }

  /** A note in Markdown. */
  text(tag: string, markdown: string, step: number): void {
    this.summary(tag, step, (entry) =>
      entry
        .message(8, (tensor) => {
          tensor.uint(1, DT_STRING);
          tensor.message(2, (shape) => shape.message(2, (dimension) => dimension.int64(1, 1)));
          tensor.string(8, markdown);
        })
        .message(9, (metadata) => metadata.message(1, (plugin) => plugin.string(1, 'text')).uint(4, DATA_CLASS_TENSOR)),
    );
  }

  close(): void {
    this.file.close();
  }

  private summary(tag: string, step: number, fill: (entry: ProtoWriter) => void): void {
    this.write((event) =>
      event.int64(2, step).message(5, (summary) =>
        summary.message(1, (entry) => {
          entry.string(1, tag);
          fill(entry);
        }),
      ),
    );
  }

  private write(fill: (event: ProtoWriter) => void): void {
    const event = new ProtoWriter().double(1, Date.now() / 1000);
    fill(event);
    this.file.append(frameRecord(event.finish()));
  }
}

/** A record of a TFRecord file: length, its check sum, the data, its check sum. */
function frameRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(12 + data.byteLength + 4);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.byteLength), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.byteLength, maskedCrc32c(data), true);
  return record;
}

/** Two writers may begin in the same second: the later one's name gets a number. */
function newEventFile(folder: string): AppendFile {
  const path = join(folder, `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${hostname()}`);
  for (let attempt = 0; ; attempt++) {
    try {
      return new AppendFile(attempt === 0 ? path : `${path}.${attempt}`, { exclusive: true });
    } catch (error) {
      if (errorCode(error) !== 'EEXIST' || attempt > 99) throw writeError(error, path);
    }
  }
}

/** Size and channels from a PNG's first chunk. */
function pngHeader(tag: string, png: Uint8Array): { width: number; height: number; channels: number } {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  ensure(
    png.byteLength >= 26 && view.getUint32(0) === 0x89504e47,
    () => `The picture "${tag}" for TensorBoard is no PNG file.`,
  );
  // Colour types: 0 grey, 2 RGB, 3 palette (of RGB), 4 grey and alpha, 6 RGB and alpha.
  const channels = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 }[png[25]] ?? 3;
  return { width: view.getUint32(16), height: view.getUint32(20), channels };
}
