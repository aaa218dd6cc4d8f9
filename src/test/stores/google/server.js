'use strict';

/*
 * A server of the part of Google Cloud Storage's JSON API that a client needs to write, read, list and delete objects.
 * It keeps everything in memory and needs nothing but Node.js 20 or later.
 *
 *   node server.js <folder> <port>
 *
 * It writes two service account files to the folder, service-account.json and refused-account.json (the same account
 * with a key that the server does not know), listens on the port of 127.0.0.1, prints "ready", and ends with its
 * standard input.
 *
 * Where its formats come from, all of it Google's public documentation:
 *   objects, buckets     https://cloud.google.com/storage/docs/json_api/v1/objects, .../v1/buckets
 *   uploads              https://cloud.google.com/storage/docs/performing-resumable-uploads, .../uploading-objects
 *   preconditions        https://cloud.google.com/storage/docs/request-preconditions
 *   hashes               https://cloud.google.com/storage/docs/data-validation
 *   errors               https://cloud.google.com/storage/docs/json_api/v1/status-codes
 *   names                https://cloud.google.com/storage/docs/objects#naming, .../buckets#naming
 *   access tokens        https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 * The wording of messages is what Google's servers say as far as it is publicly known, else it is made up in their way.
 *
 * Not here: gRPC, the XML API, batch requests, versions of objects, access rights (an account may do everything),
 * copy, compose, change of metadata, encryption keys, and the unpacking of objects whose contentEncoding is gzip.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const zlib = require('node:zlib');

const HOST = '127.0.0.1';
const PROJECT = 'cistern-test';
const EMAIL = `tester@${PROJECT}.iam.gserviceaccount.com`;
const GOOGLE_TOKEN_URI = 'https://oauth2.googleapis.com/token';
const SCOPE = /^https:\/\/www\.googleapis\.com\/auth\/(cloud-platform|devstorage\.(full_control|read_write))$/;
const QUANTUM = 256 * 1024;
const MAX_RESULTS = 1000;

const buckets = new Map();
const sessions = new Map();
const tokens = new Map();
let account;
let endpoint;

// ---------------------------------------------------------------------------------------------------------- errors

/** An answer that is an error. The body is JSON, but for downloads the message alone. */
class Refusal extends Error {
  constructor(code, reason, message, more = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.location = more.location;
    this.headers = more.headers || {};
    this.plain = more.plain || false;
  }

  body() {
    const place = this.location ? { locationType: 'header', location: this.location } : {};
    const { code, message, reason } = this;
    return { error: { code, message, errors: [{ message, domain: 'global', reason, ...place }] } };
  }
}

const noSuchBucket = () => new Refusal(404, 'notFound', 'The specified bucket does not exist.');
const noSuchObject = (bucket, name) => new Refusal(404, 'notFound', `No such object: ${bucket.name}/${name}`);
const invalid = message => new Refusal(400, 'invalid', message);
const conditionNotMet = () => new Refusal(412, 'conditionNotMet',
  'At least one of the pre-conditions you specified did not hold.', { location: 'If-Match' });
const notModified = () => new Refusal(304, 'notModified', 'Not Modified');
const loginRequired = () => new Refusal(401, 'required', 'Login Required.',
  { location: 'Authorization', headers: { 'WWW-Authenticate': 'Bearer realm="https://accounts.google.com/"' } });
const invalidCredentials = () => new Refusal(401, 'authError', 'Invalid Credentials', { location: 'Authorization',
  headers: { 'WWW-Authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"' } });

// ---------------------------------------------------------------------------------------------------------- hashes

/** CRC-32C (Castagnoli) as RFC 3720 has it, made of parts in a row. */
class Crc32c {
  constructor() {
    this.state = 0xFFFFFFFF;
  }

  update(bytes) {
    let state = this.state;
    for (let i = 0; i < bytes.length; i++) {
      state = Crc32c.TABLE[(state ^ bytes[i]) & 0xFF] ^ (state >>> 8);
    }
    this.state = state;
  }

  /** Base64 of the four bytes, the highest first. */
  base64() {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE((this.state ^ 0xFFFFFFFF) >>> 0);
    return bytes.toString('base64');
  }
}

Crc32c.TABLE = Int32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) {
    n = n & 1 ? (n >>> 1) ^ 0x82F63B78 : n >>> 1;
  }
  return n;
});

function hashes(bytes) {
  const crc32c = new Crc32c();
  crc32c.update(bytes);
  return { crc32c: crc32c.base64(), md5Hash: crypto.createHash('md5').update(bytes).digest('base64') };
}

/** Compares the bytes with what the client says of them, in the object's resource or in the header X-Goog-Hash. */
function checkHashes(calculated, resource, header) {
  const provided = { crc32c: [resource.crc32c], md5Hash: [resource.md5Hash] };
  for (const part of (header || '').split(',').map(each => each.trim()).filter(each => each)) {
    const name = part.slice(0, part.indexOf('='));
    (name === 'md5' ? provided.md5Hash : provided.crc32c).push(part.slice(part.indexOf('=') + 1));
  }
  for (const [field, title] of [['crc32c', 'CRC32C'], ['md5Hash', 'MD5 hash']]) {
    for (const value of provided[field].filter(each => each)) {
      if (value !== calculated[field]) {
        throw invalid(`Provided ${title} "${value}" doesn't match calculated ${title} "${calculated[field]}".`);
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------ buckets, objects

/** A bucket with its objects, in the order of the UTF-8 bytes of their names. */
class Bucket {
  constructor(resource) {
    const now = new Date().toISOString();
    this.name = resource.name;
    this.objects = new Map();
    this.sorted = [];
    this.resource = {
      storageClass: 'STANDARD', location: 'US', locationType: 'multi-region', ...resource,
      kind: 'storage#bucket', id: resource.name, name: resource.name, projectNumber: '123456789012',
      selfLink: `https://www.googleapis.com/storage/v1/b/${resource.name}`,
      metageneration: '1', etag: 'CAE=', timeCreated: now, updated: now,
    };
  }

  /** Where a name is in the order, or would be. */
  index(bytes) {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(this.sorted[middle].nameBytes, bytes) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  put(object) {
    const replaced = this.objects.has(object.name) ? 1 : 0;
    this.objects.set(object.name, object);
    this.sorted.splice(this.index(object.nameBytes), replaced, object);
  }

  remove(name) {
    this.objects.delete(name);
    this.sorted.splice(this.index(Buffer.from(name)), 1);
  }

  /** The object; its generation may be given. */
  get(name, generation) {
    const object = this.objects.get(name);
    if (!object || (generation && generation !== object.resource.generation)) {
      throw noSuchObject(this, name);
    }
    return object;
  }
}

let lastGeneration = 0n;

/** The time in microseconds, and always greater than the one before. */
function nextGeneration() {
  const now = BigInt(Date.now()) * 1000n;
  lastGeneration = now > lastGeneration ? now : lastGeneration + 1n;
  return lastGeneration.toString();
}

function bucketOf(name) {
  const bucket = buckets.get(name);
  if (!bucket) {
    throw noSuchBucket();
  }
  return bucket;
}

function checkObjectName(name) {
  if (!name) {
    throw new Refusal(400, 'required', 'Required');
  }
  const length = Buffer.byteLength(name);
  if (length > 1024) {
    throw invalid(`The maximum object length is 1024 characters, but got a name with ${length} characters: `
      + `'${name.slice(0, 100)}...'`);
  }
  if (/[\r\n]/.test(name) || name === '.' || name === '..' || name.startsWith('.well-known/acme-challenge/')) {
    throw invalid(`Disallowed unicode characters present in object name '${name}'`);
  }
}

/** The preconditions of a request's parameters; there is generation 0 where there is no object. */
function checkConditions(query, object, reads = false) {
  const values = {
    Generation: object ? object.resource.generation : '0',
    Metageneration: object ? object.resource.metageneration : '0',
  };
  for (const [name, value] of Object.entries(values)) {
    const match = query.get(`if${name}Match`);
    if (match !== null && match !== value) {
      throw conditionNotMet();
    }
    const other = query.get(`if${name}NotMatch`);
    if (other !== null && other === value) {
      throw reads ? notModified() : conditionNotMet();
    }
  }
}

const SETTABLE = ['cacheControl', 'contentDisposition', 'contentEncoding', 'contentLanguage', 'customTime', 'metadata',
  'storageClass'];

/** Makes the object, if the preconditions hold and the hashes are right. */
function finish(upload, bytes, hashHeader) {
  const { bucketName, name, resource, query, contentType } = upload;
  const bucket = bucketOf(bucketName);
  const calculated = hashes(bytes);
  checkHashes(calculated, resource, hashHeader);
  checkConditions(query, bucket.objects.get(name));
  const generation = nextGeneration();
  const now = new Date().toISOString();
  const link = `b/${bucketName}/o/${encodeURIComponent(name)}`;
  const made = { storageClass: 'STANDARD' };
  for (const field of SETTABLE.filter(each => resource[each] !== undefined && resource[each] !== null)) {
    made[field] = resource[field];
  }
  Object.assign(made, {
    kind: 'storage#object', id: `${bucketName}/${name}/${generation}`, name, bucket: bucketName,
    selfLink: `https://www.googleapis.com/storage/v1/${link}`,
    mediaLink: `https://storage.googleapis.com/download/storage/v1/${link}?generation=${generation}&alt=media`,
    generation, metageneration: '1', etag: Buffer.from(`${generation}/1`).toString('base64'),
    contentType: resource.contentType || contentType || 'application/octet-stream', size: String(bytes.length),
    ...calculated, timeCreated: now, updated: now, timeStorageClassUpdated: now, timeFinalized: now,
  });
  bucket.put({ name, nameBytes: Buffer.from(name), bytes, resource: made });
  return made;
}

// ------------------------------------------------------------------------------------------------------ operations

/** buckets.insert */
function insertBucket(request) {
  if (!request.query.get('project')) {
    throw new Refusal(400, 'required', 'Required parameter: project');
  }
  const resource = parseJson(request.body);
  if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(resource.name || '')) {
    throw invalid(`Invalid bucket name: '${resource.name}'`);
  }
  if (buckets.has(resource.name)) {
    throw new Refusal(409, 'conflict',
      'Your previous request to create the named bucket succeeded and you already own it.');
  }
  buckets.set(resource.name, new Bucket(resource));
  return json(200, buckets.get(resource.name).resource);
}

/** buckets.list */
function listBuckets() {
  return json(200, { kind: 'storage#buckets', items: [...buckets.values()].map(bucket => bucket.resource) });
}

/** buckets.get */
function getBucket(request, bucketName) {
  return json(200, bucketOf(bucketName).resource);
}

/** buckets.testIamPermissions: the account may do everything. */
function testPermissions(request, bucketName) {
  bucketOf(bucketName);
  return json(200, { kind: 'storage#testIamPermissionsResponse', permissions: request.query.getAll('permissions') });
}

/**
 * objects.list: objects and prefixes count alike for maxResults, and the token of the next page says behind which name
 * it begins.
 */
function listObjects(request, bucketName) {
  const { query } = request;
  const bucket = bucketOf(bucketName);
  for (const name of ['matchGlob', 'filter', 'softDeleted', 'includeTrailingDelimiter']) {
    if (query.get(name) && query.get(name) !== 'false') {
      throw new Refusal(501, 'notImplemented', `This server does not know the parameter ${name}`);
    }
  }
  const max = query.get('maxResults') === null ? MAX_RESULTS : Number(query.get('maxResults'));
  if (!Number.isInteger(max) || max < 0) {
    throw invalid(`Invalid unsigned integer value: '${query.get('maxResults')}'.`);
  }
  const limit = max === 0 ? MAX_RESULTS : Math.min(max, MAX_RESULTS);
  const prefix = Buffer.from(query.get('prefix') || '');
  const delimiter = Buffer.from(query.get('delimiter') || '');
  const start = Buffer.from(query.get('startOffset') || '');
  const end = query.get('endOffset') ? Buffer.from(query.get('endOffset')) : null;
  const behind = pageStart(query.get('pageToken'));

  const items = [];
  const prefixes = [];
  let last = null;
  let i = bucket.index([prefix, start, behind].sort(Buffer.compare)[2]);
  for (; i < bucket.sorted.length; i++) {
    const { nameBytes, resource } = bucket.sorted[i];
    if (!startsWith(nameBytes, prefix) || (end && Buffer.compare(nameBytes, end) >= 0)) {
      break;
    }
    const cut = delimiter.length ? nameBytes.indexOf(delimiter, prefix.length) : -1;
    const found = cut < 0 ? nameBytes : nameBytes.subarray(0, cut + delimiter.length);
    // Behind a name: the name itself was on the page before; behind a prefix: so was all that begins with it.
    if (found.equals(last || behind)) {
      continue;
    }
    if (items.length + prefixes.length === limit) {
      return json(200, page(items, prefixes, last));
    }
    if (cut < 0) {
      items.push(resource);
    } else {
      prefixes.push(found.toString());
    }
    last = found;
  }
  return json(200, page(items, prefixes, null));
}

function page(items, prefixes, last) {
  return {
    kind: 'storage#objects',
    ...(last && { nextPageToken: last.toString('base64') }),
    ...(prefixes.length && { prefixes }),
    ...(items.length && { items }),
  };
}

function pageStart(token) {
  const bytes = Buffer.from(token || '', 'base64');
  if (bytes.toString('base64') !== (token || '')) {
    throw invalid('Invalid page token');
  }
  return bytes;
}

function startsWith(bytes, prefix) {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/** objects.get: the resource, or with alt=media the bytes. */
function getObject(request, bucketName, name) {
  const { query } = request;
  const object = bucketOf(bucketName).get(name, query.get('generation'));
  checkConditions(query, object, true);
  return query.get('alt') === 'media' ? media(request, object) : json(200, object.resource);
}

function media(request, object) {
  const { bytes, resource } = object;
  const headers = {
    'Accept-Ranges': 'bytes',
    'Content-Type': resource.contentType,
    'ETag': resource.etag,
    'X-Goog-Generation': resource.generation,
    'X-Goog-Metageneration': resource.metageneration,
    'X-Goog-Storage-Class': resource.storageClass,
    'X-Goog-Hash': `crc32c=${resource.crc32c},md5=${resource.md5Hash}`,
    'X-Goog-Stored-Content-Encoding': resource.contentEncoding || 'identity',
    'X-Goog-Stored-Content-Length': String(bytes.length),
  };
  for (const [field, header] of [['cacheControl', 'Cache-Control'], ['contentDisposition', 'Content-Disposition'],
    ['contentEncoding', 'Content-Encoding'], ['contentLanguage', 'Content-Language']]) {
    if (resource[field]) {
      headers[header] = resource[field];
    }
  }
  const range = parseRange(request.headers.range, bytes.length);
  if (!range) {
    return { status: 200, headers, body: bytes };
  }
  headers['Content-Range'] = `bytes ${range.first}-${range.last}/${bytes.length}`;
  return { status: 206, headers, body: bytes.subarray(range.first, range.last + 1) };
}

/** One range in the three forms of RFC 9110; null, which means the whole, if there is none or another form. */
function parseRange(header, size) {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(header || '');
  if (!parts || (parts[1] === '' && parts[2] === '')) {
    return null;
  }
  const first = parts[1] === '' ? Math.max(0, size - Number(parts[2])) : Number(parts[1]);
  const last = parts[1] === '' || parts[2] === '' ? size - 1 : Math.min(Number(parts[2]), size - 1);
  if (parts[1] !== '' && parts[2] !== '' && Number(parts[2]) < first) {
    return null;
  }
  if (first >= size) {
    throw new Refusal(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable',
      { headers: { 'Content-Range': `bytes */${size}` } });
  }
  return { first, last };
}

/** objects.delete */
function deleteObject(request, bucketName, name) {
  const bucket = bucketOf(bucketName);
  const object = bucket.get(name, request.query.get('generation'));
  checkConditions(request.query, object);
  bucket.remove(name);
  return { status: 204, headers: {} };
}

/** objects.insert: media, multipart, and the start of a resumable upload. */
function insertObject(request, bucketName) {
  const { query, headers } = request;
  const bucket = bucketOf(bucketName);
  const type = query.get('uploadType');
  if (type === 'media') {
    const upload = newUpload(request, bucketName, {}, headers['content-type']);
    return json(200, finish(upload, request.body, headers['x-goog-hash']));
  }
  if (type === 'multipart') {
    const [first, second] = parseMultipart(headers['content-type'], request.body);
    const upload = newUpload(request, bucketName, parseJson(first.body), second.headers['content-type']);
    return json(200, finish(upload, second.body, headers['x-goog-hash']));
  }
  if (type === 'resumable') {
    const upload = newUpload(request, bucketName, parseJson(request.body), headers['x-upload-content-type']);
    checkConditions(query, bucket.objects.get(upload.name));
    const id = crypto.randomBytes(48).toString('base64url');
    sessions.set(id, { ...upload, parts: [], size: 0, made: null });
    const location = new URL(`http://${headers.host}/upload/storage/v1/b/${bucketName}/o`);
    query.forEach((value, name) => location.searchParams.set(name, value));
    location.searchParams.set('upload_id', id);
    return { status: 200, headers: { 'Location': location.href, 'X-GUploader-UploadID': id } };
  }
  throw invalid(`Invalid upload type: ${type}`);
}

function newUpload(request, bucketName, resource, contentType) {
  const name = request.query.get('name') || resource.name;
  checkObjectName(name);
  return { bucketName, name, resource, query: request.query, contentType };
}

/**
 * A part of a resumable upload, the question how much of it is there, or its end. What was there before is skipped;
 * of a part that is not the last one, and of one whose connection broke, whole multiples of 256 KiB are kept.
 */
async function continueUpload(request, id) {
  const session = sessions.get(id);
  if (!session) {
    throw new Refusal(404, 'notFound', 'Not Found');
  }
  const range = parseContentRange(request.headers['content-range']);
  const { bytes, broken } = await receive(request.stream);
  if (session.made) {
    return json(200, session.made);
  }
  if (range.first > session.size) {
    throw new Refusal(503, 'backendError', 'Invalid request.  According to the Content-Range header, the upload '
      + `offset is ${range.first} byte(s), which exceeds already uploaded size of ${session.size} byte(s).`,
      { plain: true });
  }
  if (!broken && range.last !== null && range.last - range.first + 1 !== bytes.length) {
    throw invalid(`Invalid request.  There were ${bytes.length} byte(s) in the request body.  There should have been `
      + `${range.last - range.first + 1} byte(s) (starting at offset ${range.first} and ending at offset `
      + `${range.last}) according to the Content-Range header.`);
  }
  const total = range.whole && !broken ? bytes.length : range.total;
  if (total !== null && total < session.size) {
    throw invalid(`Invalid request.  The total size of ${total} byte(s) is less than the uploaded ${session.size}.`);
  }
  if (range.first !== null) {
    const added = bytes.subarray(Math.min(session.size - range.first, bytes.length));
    const ends = !broken && session.size + added.length === total;
    const kept = ends ? added : added.subarray(0, Math.max(0,
      Math.floor((session.size + added.length) / QUANTUM) * QUANTUM - session.size));
    session.parts.push(Buffer.from(kept));
    session.size += kept.length;
  }
  if (session.size !== total) {
    return { status: 308, headers: session.size ? { Range: `bytes=0-${session.size - 1}` } : {} };
  }
  try {
    session.made = finish(session, Buffer.concat(session.parts), request.headers['x-goog-hash']);
  } catch (refusal) {
    sessions.delete(id);
    throw refusal;
  }
  session.parts = [];
  return json(200, session.made);
}

/** Without the header the body is all there is. */
function parseContentRange(header) {
  if (header === undefined) {
    return { first: 0, last: null, total: null, whole: true };
  }
  const parts = /^bytes (?:(\d+)-(\d+)|\*)\/(?:(\d+)|\*)$/.exec(header);
  if (!parts) {
    throw invalid(`Failed to parse Content-Range header: ${header}`);
  }
  const number = text => (text === undefined ? null : Number(text));
  return { first: number(parts[1]), last: number(parts[2]), total: number(parts[3]), whole: false };
}

/** Ends a resumable upload for good; 499 is what Google answers. */
function cancelUpload(id) {
  if (!sessions.delete(id)) {
    throw new Refusal(404, 'notFound', 'Not Found');
  }
  return { status: 499, headers: {} };
}

// ---------------------------------------------------------------------------------------------------------- tokens

/** The exchange of a JWT, signed with the account's key, for an access token. */
function issueToken(request) {
  const form = new URLSearchParams(request.body.toString());
  const refuse = (error, description) => json(400, { error, error_description: description });
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
    return refuse('unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type')}`);
  }
  const [head, claim, signature, ...rest] = (form.get('assertion') || '').split('.');
  let header;
  let claims;
  try {
    header = JSON.parse(Buffer.from(head, 'base64url').toString());
    claims = JSON.parse(Buffer.from(claim, 'base64url').toString());
  } catch {
    return refuse('invalid_grant', 'Invalid JWT: Failed to parse the assertion.');
  }
  if (claims.iss !== EMAIL) {
    return refuse('invalid_grant', 'Invalid grant: account not found');
  }
  if (header.alg !== 'RS256' || rest.length || !crypto.verify('RSA-SHA256', Buffer.from(`${head}.${claim}`),
    account.publicKey, Buffer.from(signature || '', 'base64url'))) {
    return refuse('invalid_grant', 'Invalid JWT Signature.');
  }
  const now = Date.now() / 1000;
  if (!(claims.iat <= now + 300 && claims.exp > now && claims.exp <= claims.iat + 3600)) {
    return refuse('invalid_grant', 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable '
      + 'timeframe. Check your iat and exp values in the JWT claim.');
  }
  if (claims.aud !== GOOGLE_TOKEN_URI && claims.aud !== `${endpoint}/token`) {
    return refuse('invalid_grant', 'Invalid JWT: Failed audience check.');
  }
  if (!(claims.scope || '').split(' ').some(scope => SCOPE.test(scope))) {
    return refuse('invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
  }
  const token = `ya29.c.${crypto.randomBytes(48).toString('base64url')}`;
  tokens.set(token, now + 3599);
  return json(200, { access_token: token, expires_in: 3599, token_type: 'Bearer' });
}

function checkToken(header) {
  if (!header) {
    throw loginRequired();
  }
  const token = /^Bearer (.+)$/.exec(header);
  if (!token || !(tokens.get(token[1]) > Date.now() / 1000)) {
    throw invalidCredentials();
  }
}

/** A service account file with the fields that Google's have. */
function serviceAccountFile(privateKey) {
  return JSON.stringify({
    type: 'service_account',
    project_id: PROJECT,
    private_key_id: crypto.randomBytes(20).toString('hex'),
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: EMAIL,
    client_id: '100000000000000000001',
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: `${endpoint}/token`,
    auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
    client_x509_cert_url: `https://www.googleapis.com/robot/v1/metadata/x509/${encodeURIComponent(EMAIL)}`,
    universe_domain: 'googleapis.com',
  }, null, 2);
}

// ------------------------------------------------------------------------------------------------------------ HTTP

const ROUTES = [
  ['POST', /^\/storage\/v1\/b$/, insertBucket],
  ['GET', /^\/storage\/v1\/b$/, listBuckets],
  ['GET', /^\/storage\/v1\/b\/([^/]+)$/, getBucket],
  ['GET', /^\/storage\/v1\/b\/([^/]+)\/iam\/testPermissions$/, testPermissions],
  ['GET', /^\/storage\/v1\/b\/([^/]+)\/o$/, listObjects],
  ['GET', /^(?:\/download)?\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)$/, getObject],
  ['DELETE', /^\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)$/, deleteObject],
  ['POST', /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/, insertObject],
];

async function answer(stream) {
  // The path as it came: a name's %2F is part of the name. In the query a plus is a space, as Google has it.
  const [rawPath, rawQuery] = stream.url.split(/\?(.*)/s);
  const { method, headers } = stream;
  const request = { method, headers, query: new URLSearchParams(rawQuery || ''), stream };

  const id = request.query.get('upload_id');
  if (id && rawPath.startsWith('/upload/')) {
    // The address of a session is itself the right to write to it: the token may be missing, but not be wrong.
    if (request.headers.authorization) {
      checkToken(request.headers.authorization);
    }
    return request.method === 'DELETE' ? cancelUpload(id) : continueUpload(request, id);
  }

  const { bytes, broken } = await receive(stream);
  if (broken) {
    return null;
  }
  request.body = request.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(bytes) : bytes;
  if (request.method === 'POST' && rawPath === '/token') {
    return issueToken(request);
  }
  // Google's clients send a GET with a long query as a POST with the query in its body.
  if (request.method === 'POST' && request.headers['x-http-method-override']) {
    request.method = request.headers['x-http-method-override'];
    new URLSearchParams(request.body.toString()).forEach((value, name) => request.query.append(name, value));
  }
  checkToken(request.headers.authorization);
  for (const [method, pattern, operation] of ROUTES) {
    const found = pattern.exec(rawPath);
    if (found && method === request.method) {
      return operation(request, ...found.slice(1).map(decode));
    }
  }
  throw new Refusal(404, 'notFound', 'Not Found');
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`Malformed path: ${text}`);
  }
}

/** All bytes of a request's body, or those that came before its connection broke. */
function receive(stream) {
  return new Promise(resolve => {
    const parts = [];
    stream.on('data', part => parts.push(part));
    stream.on('end', () => resolve({ bytes: Buffer.concat(parts), broken: false }));
    stream.on('error', () => resolve({ bytes: Buffer.concat(parts), broken: true }));
  });
}

function parseJson(bytes) {
  try {
    return bytes.length ? JSON.parse(bytes.toString()) : {};
  } catch {
    throw new Refusal(400, 'parseError', 'Parse Error');
  }
}

/** The two parts of multipart/related as RFC 2387 has it: the resource and the bytes. */
function parseMultipart(contentType, body) {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType || '');
  if (!boundary) {
    throw invalid('Missing multipart boundary');
  }
  const mark = Buffer.from(`\r\n--${boundary[1]}`);
  const text = Buffer.concat([Buffer.from('\r\n'), body]);
  const parts = [];
  let from = text.indexOf(mark);
  while (from >= 0 && parts.length < 2) {
    const to = text.indexOf(mark, from + mark.length);
    const head = text.indexOf('\r\n\r\n', from + mark.length);
    if (to < 0 || head < 0 || head > to) {
      break;
    }
    const headers = {};
    for (const line of text.subarray(from + mark.length, head).toString().split('\r\n').filter(each => each.trim())) {
      headers[line.slice(0, line.indexOf(':')).trim().toLowerCase()] = line.slice(line.indexOf(':') + 1).trim();
    }
    parts.push({ headers, body: Buffer.from(text.subarray(head + 4, to)) });
    from = to;
  }
  if (parts.length !== 2) {
    throw invalid('Expected a multipart body of two parts');
  }
  return parts;
}

function json(status, body) {
  return { status, headers: { 'Content-Type': 'application/json; charset=UTF-8' }, body: JSON.stringify(body) };
}

function refused(refusal, request) {
  if (refusal.code === 304) {
    return { status: 304, headers: {} };
  }
  const { code, headers, message } = refusal;
  if (refusal.plain) {
    return { status: code, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }, body: message };
  }
  if (/[?&]alt=media(&|$)/.test(request.url)) {
    return { status: code, headers: { ...headers, 'Content-Type': 'text/html; charset=UTF-8' }, body: message };
  }
  const { status, headers: type, body } = json(code, refusal.body());
  return { status, headers: { ...headers, ...type }, body };
}

async function handle(request, response) {
  let result;
  try {
    result = await answer(request);
  } catch (error) {
    if (!(error instanceof Refusal)) {
      console.error(error);
    }
    result = refused(error instanceof Refusal ? error
      : new Refusal(500, 'backendError', `Bug of the test server: ${error.message}`), request);
  }
  if (result && !response.destroyed) {
    const body = Buffer.from(result.body || '');
    const length = result.status === 204 || result.status === 304 ? {} : { 'Content-Length': body.length };
    response.writeHead(result.status, { Server: 'UploadServer', ...result.headers, ...length });
    response.end(body);
  }
}

function main(folder, port) {
  endpoint = `http://${HOST}:${port}`;
  account = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const refusedAccount = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  fs.writeFileSync(path.join(folder, 'service-account.json'), serviceAccountFile(account.privateKey));
  fs.writeFileSync(path.join(folder, 'refused-account.json'), serviceAccountFile(refusedAccount.privateKey));

  const server = http.createServer(handle);
  server.keepAliveTimeout = 60_000;
  // A stalled connection is for the client to give up.
  server.requestTimeout = 0;
  server.listen(port, HOST, () => console.log('ready'));
  process.stdin.on('end', () => process.exit(0));
  process.stdin.resume();
}

main(process.argv[2], Number(process.argv[3]));
