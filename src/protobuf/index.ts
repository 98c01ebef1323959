/** The wire format of protocol buffers. */
export { ProtoField, readFields } from './reader.js';
export { ProtoWriter } from './writer.js';
