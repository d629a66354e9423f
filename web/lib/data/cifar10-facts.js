/** What is known beforehand about CIFAR-10: names, sizes, checksums. */

/** Class names in label order. */
export const CIFAR10_CLASSES = Object.freeze([
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
]);

/** The authors' archive in the binary layout, 170,052,171 bytes. */
export const CIFAR10_URL = 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz';

/** Bytes of one image: 32 rows x 32 columns x 3 channels. */
export const SAMPLE_BYTES = 3072;

/** Bytes of one record of a data file: the label, then 1,024 red, 1,024 green, 1,024 blue. */
export const RECORD_BYTES = 1 + SAMPLE_BYTES;

/**
 * @typedef {'train' | 'test'} Part
 *
 * @typedef {object} DataFile one file of a data set in the CIFAR-10 binary layout
 * @property {string} name
 * @property {number} bytes always `count` x 3,073
 * @property {string} sha256 64 lower-case hexadecimal digits
 * @property {number} count records in the file
 * @property {Part} part
 */

/**
 * @param {string} name
 * @param {Part} part
 * @param {string} sha256
 * @returns {Readonly<DataFile>}
 */
function dataFile(name, part, sha256) {
  return Object.freeze({ name, bytes: 10000 * RECORD_BYTES, sha256, count: 10000, part });
}

/**
 * The six files in canonical order. Sample i of a part is record i of its files in this order.
 * @type {readonly Readonly<DataFile>[]}
 */
export const CIFAR10_FILES = Object.freeze([
  dataFile(
    'data_batch_1.bin',
    'train',
    'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5',
  ),
  dataFile(
    'data_batch_2.bin',
    'train',
    'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed',
  ),
  dataFile(
    'data_batch_3.bin',
    'train',
    'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67',
  ),
  dataFile(
    'data_batch_4.bin',
    'train',
    '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48',
  ),
  dataFile(
    'data_batch_5.bin',
    'train',
    '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add',
  ),
  dataFile(
    'test_batch.bin',
    'test',
    '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b',
  ),
]);
