/** A class number for each pixel. */

/** A decoded label map. */
export interface LabelMap {
  height: number;
  width: number;
  /** Stored class numbers `[height, width]`. */
  ids: Uint8Array | Uint16Array;
  /** The number that pixels without a valid class have, where there are any. */
  voidId?: number;
  /** Pixels of a colour that the list of colours does not have, or of no valid class number. */
  unknown: number;
}

/** The pixels of a window. */
export function cutLabels(
  map: LabelMap,
  { top, left, height, width }: { top: number; left: number; height: number; width: number },
): LabelMap {
  const ids = map.ids instanceof Uint8Array ? new Uint8Array(height * width) : new Uint16Array(height * width);
  let unknown = 0;
  for (let y = 0; y < height; y++) {
    const from = (top + y) * map.width + left;
    ids.set(map.ids.subarray(from, from + width), y * width);
  }
  if (map.voidId !== undefined && map.unknown > 0) for (const id of ids) if (id === map.voidId) unknown++;
  return { height, width, ids, voidId: map.voidId, unknown };
}
