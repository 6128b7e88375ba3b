// The browser half of brain_viewer.py: plain WebGL2, no library, no request.
//
// Block    bytes from Python -> header and typed arrays
// Mesh     triangles cut along parcel borders, so that a parcel ends at a crisp line
// Contours network borders as smooth polylines, drawn as capsules of constant pixel width
// Painter  everything that touches WebGL
// Viewer   state, controls, mouse and keyboard

const TYPES = { i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array, f4: Float32Array }
const NO_DATA = -32768
const SURFACES = ["inflated", "pial", "flat"]
const SURFACE_TITLES = { inflated: "Inflated", pial: "Pial", flat: "Flat" }
const HIGHLIGHT = [0.0, 0.62, 0.35]
const CONTOUR = [0.13, 0.13, 0.16]
const TWO_ROWS_BELOW = 900
const PRINT_MM = 180
const PRINT_DPI = 600

// ---------------------------------------------------------------- blocks

function openBlock(digest) {
  const block = window.__brainViewerBlocks?.get(digest)
  if (!block) return null
  if (block.arrays) return block
  block.arrays = {}
  for (const { name, type, at, size } of block.header.arrays) {
    block.arrays[name] = new TYPES[type](block.body.buffer, block.body.byteOffset + at, size)
  }
  return block
}

// ---------------------------------------------------------------- geometry

function unitNormals(points, faces) {
  const normals = new Float32Array(points.length)
  for (let f = 0; f < faces.length; f += 3) {
    const [a, b, c] = [faces[f] * 3, faces[f + 1] * 3, faces[f + 2] * 3]
    const ux = points[b] - points[a], uy = points[b + 1] - points[a + 1], uz = points[b + 2] - points[a + 2]
    const vx = points[c] - points[a], vy = points[c + 1] - points[a + 1], vz = points[c + 2] - points[a + 2]
    const x = uy * vz - uz * vy, y = uz * vx - ux * vz, z = ux * vy - uy * vx
    for (const k of [a, b, c]) { normals[k] += x; normals[k + 1] += y; normals[k + 2] += z }
  }
  for (let i = 0; i < normals.length; i += 3) {
    const length = Math.hypot(normals[i], normals[i + 1], normals[i + 2]) || 1
    normals[i] /= length; normals[i + 1] /= length; normals[i + 2] /= length
  }
  return normals
}

// Vertices of the cut mesh are means of up to three surface vertices (`parts`)
// and take their value from one of them (`source`), the one on their side.
class CutMesh {
  constructor(n, faces, labels) {
    this.n = n
    this.source = Array.from({ length: n }, (_, i) => i)
    this.parts = []
    this.midpoints = new Map()
    this.faces = faces
    this.labels = labels
  }

  add(side, a, b, c) {
    this.source.push(side)
    this.parts.push(a, b, c)
    return this.source.length - 1
  }

  middle(side, other) {
    const key = side * this.n + other
    let found = this.midpoints.get(key)
    if (found === undefined) this.midpoints.set(key, (found = this.add(side, side, other, -1)))
    return found
  }

  // Triangles of the faces that `wanted` accepts, cut where labels differ.
  cut(wanted) {
    const out = [], { faces, labels } = this
    for (let f = 0; f < faces.length; f += 3) {
      if (!wanted(f / 3)) continue
      const t = [faces[f], faces[f + 1], faces[f + 2]]
      const [la, lb, lc] = [labels[t[0]], labels[t[1]], labels[t[2]]]
      if (la === lb && lb === lc) out.push(...t)
      else if (la !== lb && lb !== lc && la !== lc) this.cutThree(out, t)
      else this.cutTwo(out, la === lb ? t : lb === lc ? [t[1], t[2], t[0]] : [t[2], t[0], t[1]])
    }
    return out
  }

  cutTwo(out, [a, b, odd]) {
    const am = this.middle(a, odd), bm = this.middle(b, odd)
    out.push(a, b, bm, a, bm, am, this.middle(odd, a), this.middle(odd, b), odd)
  }

  cutThree(out, [a, b, c]) {
    for (const [p, q, r] of [[a, b, c], [b, c, a], [c, a, b]]) {
      const centre = this.add(p, a, b, c)
      out.push(p, this.middle(p, q), centre, p, centre, this.middle(p, r))
    }
  }

  spread(values, width) {
    const out = new Float32Array(this.source.length * width)
    out.set(values)
    for (let i = 0; i < this.parts.length; i += 3) {
      const at = (this.n + i / 3) * width, used = this.parts[i + 2] < 0 ? 2 : 3
      for (let k = 0; k < width; k++) {
        let sum = 0
        for (let p = 0; p < used; p++) sum += values[this.parts[i + p] * width + k]
        out[at + k] = sum / used
      }
    }
    return out
  }
}

// Borders between labels as segments between nodes. A node holds its position in the
// three geometries, then its normals there.
function traceContours(points, normals, faces, labels, wanted) {
  const nodes = [], segments = [], seen = new Map(), n = labels.length
  const node = (...vertices) => {
    const place = new Float32Array(18)
    SURFACES.forEach((name, s) => {
      for (let k = 0; k < 3; k++) {
        for (const v of vertices) {
          place[3 * s + k] += points[name][3 * v + k] / vertices.length
          place[9 + 3 * s + k] += normals[s][3 * v + k] / vertices.length
        }
      }
    })
    nodes.push(place)
    return nodes.length - 1
  }
  const middle = (a, b) => {
    const key = a < b ? a * n + b : b * n + a
    if (!seen.has(key)) seen.set(key, node(a, b))
    return seen.get(key)
  }
  for (let f = 0; f < faces.length; f += 3) {
    const t = [faces[f], faces[f + 1], faces[f + 2]]
    const edges = [[t[0], t[1]], [t[1], t[2]], [t[2], t[0]]].filter(([a, b]) => labels[a] !== labels[b])
    if (!edges.length) continue
    const flat = wanted(f / 3)
    const link = (i, j, [a, b]) => segments.push({ i, j, a: labels[a], b: labels[b], flat })
    const [first, second, third] = edges
    if (!third) link(middle(...first), middle(...second), first)
    else {
      const centre = node(...t)
      for (const edge of edges) link(middle(...edge), centre, edge)
    }
  }
  smoothChains(nodes, segments, 3)
  return { nodes, segments: [...segments.filter(s => s.flat), ...segments.filter(s => !s.flat)] }
}

// Nodes inside a chain move towards their two neighbours: triangle edges stop showing.
// When flat, a chain ends at the cut, where its next node may lie far away.
function smoothChains(nodes, segments, rounds) {
  const link = chosen => {
    const near = nodes.map(() => [])
    for (const { i, j } of chosen) { near[i].push(j); near[j].push(i) }
    return near
  }
  const folded = link(segments), flat = link(segments.filter(s => s.flat))
  for (let round = 0; round < rounds; round++) {
    const old = nodes.map(p => p.slice())
    for (const [near, from, to] of [[folded, 0, 6], [flat, 6, 9]]) {
      near.forEach((pair, i) => {
        if (pair.length !== 2) return
        for (let k = from; k < to; k++) nodes[i][k] = 0.5 * old[i][k] + 0.25 * (old[pair[0]][k] + old[pair[1]][k])
      })
    }
  }
}

function subset(array, width, offset, count) {
  return array.subarray(offset * width, (offset + count) * width)
}

function interleave(first, second) {
  const out = new Float32Array(2 * first.length)
  for (let i = 0; i < first.length; i++) { out[2 * i] = first[i]; out[2 * i + 1] = second[i] }
  return out
}

// Everything about the surface that does not depend on WebGL; remembered with its block.
function buildAnatomy(block) {
  if (block.anatomy) return block.anatomy
  const { header, arrays } = block
  const n = arrays.sulc.length, nFaces = arrays.flat_faces.length
  const points = {}
  for (const name of SURFACES) points[name] = Float32Array.from(arrays[name], v => (v / 32767) * header.millimetres)
  const parcels = header.location_names.length > 0
  const sides = Int32Array.from(arrays.wall, (wall, v) => (wall ? -2 : parcels ? arrays.location[v] : 0))
  let split = 0
  while (split < nFaces && arrays.faces[3 * split] < header.n_left) split++
  const halves = [[0, 0, header.n_left, 0, split], [1, header.n_left, n - header.n_left, split, nFaces - split]]
  const hemispheres = halves.map(([index, start, count, firstFace, faceCount]) => {
    const local = subset(arrays.faces, 3, firstFace, faceCount).map(v => v - start)
    const flat = subset(arrays.flat_faces, 1, firstFace, faceCount)
    const own = {}
    for (const name of SURFACES) own[name] = subset(points[name], 3, start, count)
    const mesh = new CutMesh(count, local, subset(sides, 1, start, count))
    const flatTriangles = mesh.cut(f => flat[f]), otherTriangles = mesh.cut(f => !flat[f])
    const normals = SURFACES.map(name => unitNormals(own[name], local))
    const wall = subset(arrays.wall, 1, start, count), sulc = subset(arrays.sulc, 1, start, count)
    return {
      index, start, count, flat, faces: local, points: own,
      triangles: Uint32Array.from([...flatTriangles, ...otherTriangles]),
      nFlat: flatTriangles.length,
      source: Int32Array.from(mesh.source, v => v + start),
      positions: SURFACES.map(name => mesh.spread(own[name], 3)),
      normals: normals.map(directions => mesh.spread(directions, 3)),
      paint: interleave(mesh.spread(Float32Array.from(sulc, v => v / 127), 1), mesh.source.map(s => wall[s])),
      contours: traceContours(own, normals, local, subset(arrays.networks, 1, start, count), f => !!flat[f]),
    }
  })
  return (block.anatomy = { hemispheres, n })
}

// ---------------------------------------------------------------- cameras

// Rows: screen right, screen up, towards the viewer.
const FROM_LEFT = [0, -1, 0, 0, 0, 1, -1, 0, 0]
const FROM_RIGHT = [0, 1, 0, 0, 0, 1, 1, 0, 0]
const VIEWS = [
  { hemisphere: 0, base: FROM_LEFT, title: "Left lateral" },
  { hemisphere: 0, base: FROM_RIGHT, title: "Left medial", medial: true },
  { hemisphere: 1, base: FROM_LEFT, title: "Right medial", medial: true },
  { hemisphere: 1, base: FROM_RIGHT, title: "Right lateral" },
]
const EXTENT = { folded: [224, 178], flat: [336, 296] }

function multiply(a, b) {
  const out = new Array(9).fill(0)
  for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) out[3 * i + j] += a[3 * i + k] * b[3 * k + j]
  return out
}

function rotation(view, camera, flatness) {
  const turn = camera.azimuth * (view.hemisphere ? -1 : 1) * (1 - flatness), tilt = camera.elevation * (1 - flatness)
  const [c, s, d, e] = [Math.cos(turn), Math.sin(turn), Math.cos(tilt), Math.sin(tilt)]
  return multiply([1, 0, 0, 0, d, -e, 0, e, d], multiply([c, 0, s, 0, 1, 0, -s, 0, c], view.base))
}

// Left, top, width, height of the four views as fractions of the picture.
function layout(columns, flatness) {
  const wide = columns === 4
  const folded = wide
    ? [[0, 0, 0.25, 1], [0.25, 0, 0.25, 1], [0.5, 0, 0.25, 1], [0.75, 0, 0.25, 1]]
    : [[0, 0, 0.5, 0.5], [0, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5], [0.5, 0, 0.5, 0.5]]
  const flat = wide
    ? [[0, 0, 0.5, 1], [0.5, 0, 0, 1], [0.5, 0, 0, 1], [0.5, 0, 0.5, 1]]
    : [[0, 0, 0.5, 1], [0, 1, 0.5, 0], [0.5, 1, 0.5, 0], [0.5, 0, 0.5, 1]]
  return folded.map((rect, i) => rect.map((v, k) => v + (flat[i][k] - v) * flatness))
}

function frame(view, rect, width, height, camera, flatness, tight) {
  const [x, y, w, h] = [rect[0] * width, rect[1] * height, rect[2] * width, rect[3] * height]
  const [mmWide, mmHigh] = EXTENT.folded.map((v, k) => v + (EXTENT.flat[k] - v) * flatness)
  const scale = Math.min(w / mmWide, h / (mmHigh - (tight ? 14 : 0))) * camera.zoom // pixels per millimetre
  const mirror = view.hemisphere === 0 !== !!view.medial ? 1 : -1
  return {
    view, x, y, w, h, scale, rotation: rotation(view, camera, flatness),
    panX: camera.panX * scale * mirror, panY: camera.panY * scale,
  }
}

// ---------------------------------------------------------------- shaders

const MESH_VERTEX = `#version 300 es
layout(location=0) in vec3 p0; layout(location=1) in vec3 p1; layout(location=2) in vec3 p2;
layout(location=3) in vec3 n0; layout(location=4) in vec3 n1; layout(location=5) in vec3 n2;
layout(location=6) in vec2 paint; layout(location=7) in float value;
uniform vec3 mixing; uniform mat3 turn; uniform vec2 scale; uniform vec2 pan; uniform float unit;
out vec3 normal; out vec2 base; out float data;
void main() {
  vec3 p = turn * (mixing.x * p0 + mixing.y * p1 + mixing.z * p2);
  normal = turn * (mixing.x * n0 + mixing.y * n1 + mixing.z * n2);
  base = paint; data = value * unit;
  gl_Position = vec4(p.xy * scale + pan, -p.z / 400.0, 1.0);
}`

const MESH_FRAGMENT = `#version 300 es
precision highp float;
in vec3 normal; in vec2 base; in float data; out vec4 colour;
uniform float threshold, low, high, flatness; uniform sampler2D table;
void main() {
  vec3 cortex = mix(vec3(.84, .836, .83), vec3(.655, .652, .655), smoothstep(-.12, .22, base.x));
  cortex = mix(cortex, vec3(.775), step(.5, base.y));
  float size = abs(data), edge = max(fwidth(size) * .6, 1e-6);
  float shown = (1. - step(.5, base.y)) * (threshold <= 0. ? 1. : smoothstep(threshold - edge, threshold + edge, size));
  float at = clamp((data - low) / (high - low), 0., 1.);
  vec3 hue = texture(table, vec2(at * 255. / 256. + .5 / 256., .5)).rgb;
  vec3 paint = mix(cortex, hue * mix(1.0, .93, smoothstep(-.12, .22, base.x)), shown);
  vec3 n = normalize(normal);
  float key = max(dot(n, normalize(vec3(-.25, .45, 1.))), 0.);
  float rim = smoothstep(.0, .55, n.z);
  float light = mix(mix(.50, 1.0, rim) * mix(.80, 1.06, key), 1., flatness);
  float gloss = pow(max(dot(n, normalize(vec3(-.12, .25, 1.))), 0.), 40.) * .05 * (1. - flatness);
  colour = vec4(paint * light + gloss, 1.);
}`

const LINE_VERTEX = `#version 300 es
layout(location=0) in vec2 corner;
layout(location=1) in vec3 a0; layout(location=2) in vec3 a1; layout(location=3) in vec3 a2;
layout(location=4) in vec3 b0; layout(location=5) in vec3 b1; layout(location=6) in vec3 b2;
layout(location=7) in vec3 n0; layout(location=8) in vec3 n1; layout(location=9) in vec3 n2;
uniform vec3 mixing; uniform mat3 turn; uniform vec2 scale; uniform vec2 pan; uniform vec2 pixels; uniform float radius, lift;
out vec2 along; out float span;
void main() {
  vec3 a = turn * (mixing.x * a0 + mixing.y * a1 + mixing.z * a2);
  vec3 b = turn * (mixing.x * b0 + mixing.y * b1 + mixing.z * b2);
  vec2 pa = (a.xy * scale + pan) * pixels * .5, pb = (b.xy * scale + pan) * pixels * .5;
  float length_ = distance(pa, pb);
  vec2 dir = length_ > 1e-4 ? (pb - pa) / length_ : vec2(1., 0.);
  float reach = radius + 1.;
  vec2 place = mix(pa - dir * reach, pb + dir * reach, corner.x) + vec2(-dir.y, dir.x) * reach * corner.y;
  along = vec2(mix(-reach, length_ + reach, corner.x), reach * corner.y); span = length_;
  gl_Position = vec4(place / (pixels * .5), -(mix(a.z, b.z, corner.x) + lift) / 400.0, 1.0);
  vec3 facing = turn * (mixing.x * n0 + mixing.y * n1 + mixing.z * n2);
  if (facing.z < -.02) gl_Position = vec4(2., 2., 2., 1.); // behind the brain: no sliver past its outline
}`

const LINE_FRAGMENT = `#version 300 es
precision highp float;
in vec2 along; in float span; out vec4 colour;
uniform vec3 ink; uniform float radius, strength;
void main() {
  float away = length(vec2(along.x - clamp(along.x, 0., span), along.y));
  float cover = clamp(radius + .5 - away, 0., 1.) * strength;
  if (cover <= 0.) discard;
  colour = vec4(ink * cover, cover);
}`

// ---------------------------------------------------------------- WebGL

class Painter {
  constructor(canvas) {
    this.canvas = canvas
    const gl = (this.gl = canvas.getContext("webgl2", { antialias: false, alpha: true, preserveDrawingBuffer: true }))
    if (!gl) throw new Error("no WebGL2")
    const info = gl.getExtension("WEBGL_debug_renderer_info")
    this.renderer = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER))
    this.software = /swiftshader|llvmpipe|softpipe|software|basic render/i.test(this.renderer)
    this.prepare()
  }

  prepare() {
    const { gl } = this
    this.mesh = this.program(MESH_VERTEX, MESH_FRAGMENT)
    this.line = this.program(LINE_VERTEX, LINE_FRAGMENT)
    this.tables = Object.fromEntries(Object.entries(COLOUR_TABLES).map(([name, hex]) => [name, this.table(hexBytes(hex))]))
    this.targets = new Map()
    this.parts = null
  }

  program(vertex, fragment) {
    const { gl } = this, program = gl.createProgram()
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind)
      gl.shaderSource(shader, source)
      gl.compileShader(shader)
      gl.attachShader(program, shader)
    }
    gl.linkProgram(program)
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program))
    const uniforms = {}
    for (let i = 0; i < (gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) ?? 0); i++) {
      const { name } = gl.getActiveUniform(program, i)
      uniforms[name] = gl.getUniformLocation(program, name)
    }
    return { program, uniforms }
  }

  buffer(kind, data, usage) {
    const { gl } = this, buffer = gl.createBuffer()
    gl.bindBuffer(kind, buffer)
    gl.bufferData(kind, data, usage ?? gl.STATIC_DRAW)
    return buffer
  }

  table(rgb) {
    const { gl } = this, texture = gl.createTexture(), rgba = new Uint8Array(1024).fill(255)
    for (let i = 0; i < 256; i++) for (let k = 0; k < 3; k++) rgba[4 * i + k] = rgb[3 * i + k]
    gl.bindTexture(gl.TEXTURE_2D, texture)
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, rgba)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE)
    return texture
  }

  attribute(location, data, width, type = this.gl.FLOAT, usage = undefined) {
    const { gl } = this, buffer = this.buffer(gl.ARRAY_BUFFER, data, usage)
    gl.enableVertexAttribArray(location)
    gl.vertexAttribPointer(location, width, type, type !== gl.FLOAT, 0, 0)
    return buffer
  }

  setAnatomy(anatomy) {
    for (const part of this.parts ?? []) this.discard(part)
    this.parts = anatomy.hemispheres.map(h => this.uploadHemisphere(h))
  }

  discard(part) {
    const { gl } = this
    for (const buffer of part.buffers) gl.deleteBuffer(buffer)
    for (const name of ["vao", "contours", "outline"]) if (part[name]) this.dropVertexArray(part[name])
  }

  dropVertexArray(item) {
    const { gl } = this
    gl.deleteVertexArray(item.vao ?? item)
    for (const buffer of item.buffers ?? []) gl.deleteBuffer(buffer)
  }

  uploadHemisphere(h) {
    const { gl } = this, vao = gl.createVertexArray()
    gl.bindVertexArray(vao)
    const buffers = [
      ...h.positions.map((data, i) => this.attribute(i, data, 3)),
      ...h.normals.map((data, i) => this.attribute(3 + i, data, 3)),
      this.attribute(6, h.paint, 2),
    ]
    const values = this.attribute(7, new Int16Array(h.source.length), 1, gl.SHORT, gl.DYNAMIC_DRAW)
    buffers.push(values, this.buffer(gl.ELEMENT_ARRAY_BUFFER, h.triangles))
    gl.bindVertexArray(null)
    const part = { h, vao, buffers, values, staged: new Int16Array(h.source.length) }
    part.contours = this.uploadLines(h.contours, h.contours.segments)
    return part
  }

  // Four corners per segment and no instancing: software GL draws instances one by one.
  uploadLines({ nodes }, segments) {
    const { gl } = this, vao = gl.createVertexArray(), n = segments.length
    const corners = new Float32Array(n * 8), triangles = new Uint32Array(n * 6), ends = Array.from({ length: 9 }, () => new Float32Array(n * 12))
    segments.forEach(({ i, j }, k) => {
      corners.set([0, -1, 1, -1, 0, 1, 1, 1], 8 * k)
      triangles.set([0, 1, 2, 2, 1, 3].map(v => v + 4 * k), 6 * k)
      for (let s = 0; s < 3; s++) {
        for (let c = 0; c < 4; c++) {
          const at = 12 * k + 3 * c
          ends[s].set(nodes[i].subarray(3 * s, 3 * s + 3), at)
          ends[3 + s].set(nodes[j].subarray(3 * s, 3 * s + 3), at)
          ends[6 + s].set(nodes[i].subarray(9 + 3 * s, 12 + 3 * s), at)
        }
      }
    })
    gl.bindVertexArray(vao)
    const buffers = [this.attribute(0, corners, 2), this.buffer(gl.ELEMENT_ARRAY_BUFFER, triangles)]
    ends.forEach((data, at) => buffers.push(this.attribute(1 + at, data, 3)))
    gl.bindVertexArray(null)
    return { vao, buffers, count: 6 * n, flatCount: 6 * segments.filter(s => s.flat).length }
  }

  setOutline(network) {
    for (const part of this.parts ?? []) {
      if (part.outline) this.dropVertexArray(part.outline)
      const own = part.h.contours.segments.filter(s => network && (s.a === network || s.b === network))
      part.outline = own.length ? this.uploadLines(part.h.contours, own) : null
    }
  }

  // row: int16 values of one map by location; location: location of each surface vertex.
  setValues(row, location) {
    const { gl } = this
    for (const { h, values, staged } of this.parts) {
      for (let i = 0; i < staged.length; i++) {
        const at = location[h.source[i]], value = at < 0 ? NO_DATA : row[at]
        staged[i] = value === NO_DATA ? 0 : value
      }
      gl.bindBuffer(gl.ARRAY_BUFFER, values)
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, staged)
    }
  }

  // A multisampled picture is resolved into the target; software GL pays for it only at rest.
  target(width, height, samples) {
    const { gl } = this, key = `${width}x${height}x${samples}`
    if (this.targets.has(key)) return this.targets.get(key)
    for (const old of this.targets.values()) {
      gl.deleteFramebuffer(old.framebuffer)
      for (const b of old.renderbuffers) gl.deleteRenderbuffer(b)
    }
    this.targets.clear()
    const framebuffer = gl.createFramebuffer()
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer)
    const attach = (format, point) => {
      const buffer = gl.createRenderbuffer()
      gl.bindRenderbuffer(gl.RENDERBUFFER, buffer)
      gl.renderbufferStorageMultisample(gl.RENDERBUFFER, samples, format, width, height)
      gl.framebufferRenderbuffer(gl.FRAMEBUFFER, point, gl.RENDERBUFFER, buffer)
      return buffer
    }
    const renderbuffers = [attach(gl.RGBA8, gl.COLOR_ATTACHMENT0), attach(gl.DEPTH_COMPONENT24, gl.DEPTH_ATTACHMENT)]
    const whole = gl.checkFramebufferStatus(gl.FRAMEBUFFER) === gl.FRAMEBUFFER_COMPLETE
    const made = { framebuffer, renderbuffers, whole }
    this.targets.set(key, made)
    return made
  }

  draw(scene, fine) {
    const { gl, canvas } = this, { width, height } = canvas
    const samples = fine ? Math.min(4, gl.getParameter(gl.MAX_SAMPLES)) : 0
    const target = samples > 1 ? this.target(width, height, samples) : null
    const framebuffer = target?.whole ? target.framebuffer : null
    this.paint(framebuffer, width, height, scene)
    if (framebuffer) this.resolve(framebuffer, null, width, height)
  }

  resolve(from, to, width, height) {
    const { gl } = this
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, from)
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, to)
    gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.COLOR_BUFFER_BIT, gl.NEAREST)
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
  }

  paint(framebuffer, width, height, scene) {
    const { gl } = this
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer)
    gl.viewport(0, 0, width, height)
    gl.disable(gl.SCISSOR_TEST)
    gl.depthMask(true)
    gl.clearColor(0, 0, 0, 0)
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT)
    gl.enable(gl.DEPTH_TEST)
    gl.enable(gl.CULL_FACE)
    for (const view of scene.frames) if (view.w >= 2 && view.h >= 2) this.paintView(view, height, scene)
  }

  paintView(view, height, scene) {
    const { gl } = this, part = this.parts[view.view.hemisphere]
    gl.viewport(Math.round(view.x), Math.round(height - view.y - view.h), Math.round(view.w), Math.round(view.h))
    gl.useProgram(this.mesh.program)
    this.camera(this.mesh.uniforms, view, scene)
    const u = this.mesh.uniforms
    gl.uniform1f(u.unit, scene.unit)
    gl.uniform1f(u.threshold, scene.threshold)
    gl.uniform1f(u.low, scene.low)
    gl.uniform1f(u.high, scene.high)
    gl.uniform1f(u.flatness, scene.mixing[2])
    gl.bindTexture(gl.TEXTURE_2D, this.tables[scene.colourMap])
    gl.disable(gl.BLEND)
    gl.bindVertexArray(part.vao)
    gl.drawElements(gl.TRIANGLES, scene.mixing[2] > 0 ? part.h.nFlat : part.h.triangles.length, gl.UNSIGNED_INT, 0)
    if (scene.contours) this.paintLines(part.contours, view, scene, CONTOUR, 0.55, 0.78, 0.9)
    if (part.outline) {
      this.paintLines(part.outline, view, scene, [1, 1, 1], 2.3, 1.0, 1.2)
      this.paintLines(part.outline, view, scene, HIGHLIGHT, 1.5, 1.0, 1.4)
    }
    gl.bindVertexArray(null)
  }

  camera(u, view, scene) {
    const { gl } = this, r = view.rotation
    gl.uniformMatrix3fv(u.turn, false, [r[0], r[3], r[6], r[1], r[4], r[7], r[2], r[5], r[8]])
    gl.uniform3fv(u.mixing, scene.mixing)
    gl.uniform2f(u.scale, (2 * view.scale) / view.w, (2 * view.scale) / view.h)
    gl.uniform2f(u.pan, (2 * view.panX) / view.w, (2 * view.panY) / view.h)
  }

  paintLines(lines, view, scene, ink, radius, strength, lift) {
    const { gl } = this, u = this.line.uniforms
    gl.useProgram(this.line.program)
    this.camera(u, view, scene)
    gl.uniform2f(u.pixels, view.w, view.h)
    gl.uniform1f(u.radius, Math.max(radius * scene.penScale, 0.5))
    gl.uniform1f(u.strength, strength)
    gl.uniform1f(u.lift, lift)
    gl.uniform3fv(u.ink, ink)
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
    gl.disable(gl.CULL_FACE)
    gl.depthMask(false)
    gl.bindVertexArray(lines.vao)
    gl.drawElements(gl.TRIANGLES, scene.mixing[2] > 0 ? lines.flatCount : lines.count, gl.UNSIGNED_INT, 0)
    gl.depthMask(true)
    gl.enable(gl.CULL_FACE)
  }

  // The scene as pixels on white, for print.
  picture(scene, width, height) {
    const { gl } = this, samples = Math.min(4, gl.getParameter(gl.MAX_SAMPLES))
    const many = this.target(width, height, samples), one = gl.createFramebuffer(), texture = gl.createTexture()
    gl.bindTexture(gl.TEXTURE_2D, texture)
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, width, height)
    gl.bindFramebuffer(gl.FRAMEBUFFER, one)
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0)
    this.paint(many.framebuffer, width, height, scene)
    this.resolve(many.framebuffer, one, width, height)
    const raw = new Uint8Array(width * height * 4), image = new ImageData(width, height)
    gl.bindFramebuffer(gl.FRAMEBUFFER, one)
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, raw)
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
    gl.deleteFramebuffer(one)
    gl.deleteTexture(texture)
    for (let row = 0; row < height; row++) {
      const from = (height - 1 - row) * width * 4, to = row * width * 4
      for (let k = 0; k < width * 4; k += 4) {
        const rest = 255 - raw[from + k + 3]
        for (let c = 0; c < 3; c++) image.data[to + k + c] = raw[from + k + c] + rest
        image.data[to + k + 3] = 255
      }
    }
    return image
  }

  finish() {
    const { gl } = this
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4))
  }

  close() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext()
  }
}

function hexBytes(hex) {
  return Uint8Array.from(hex.match(/../g), pair => parseInt(pair, 16))
}

// ---------------------------------------------------------------- colour bar and print

function range(signed, colourMap, limit) {
  return signed || colourMap !== "cividis" ? [-limit, limit] : [0, limit]
}

function paintBar(pen, x, y, width, height, scale, style) {
  const { low, high, threshold, colourMap, unit, ink } = style
  const table = hexBytes(COLOUR_TABLES[colourMap]), steps = Math.max(Math.round(width), 2)
  for (let i = 0; i < steps; i++) {
    const value = low + ((i + 0.5) / steps) * (high - low)
    const at = 3 * Math.round(((value - low) / (high - low)) * 255)
    pen.fillStyle = Math.abs(value) < threshold ? "rgb(186,186,188)" : `rgb(${table[at]},${table[at + 1]},${table[at + 2]})`
    pen.fillRect(x + (i * width) / steps, y, width / steps + 0.6, height)
  }
  pen.fillStyle = pen.strokeStyle = ink
  pen.lineWidth = Math.max(0.75 * scale, 0.5)
  pen.font = `${11 * scale}px ${style.font}`
  pen.textBaseline = "top"
  const place = value => x + ((value - low) / (high - low)) * width
  const marks = [low, ...(low < 0 ? [-threshold] : []), ...(low < 0 && threshold > 0.35 * high ? [0] : []), threshold, high]
  let last = -Infinity
  for (const value of [...new Set(marks)].filter(v => v >= low && v <= high)) {
    const text = number(value, high), half = pen.measureText(text).width / 2
    pen.beginPath()
    pen.moveTo(place(value), y + height)
    pen.lineTo(place(value), y + height + 4 * scale)
    pen.stroke()
    if (place(value) - half < last + 4 * scale) continue
    pen.textAlign = "center"
    pen.fillText(text, place(value), y + height + 6 * scale)
    last = place(value) + half
  }
  pen.textAlign = "left"
  pen.textBaseline = "middle"
  pen.font = `italic 600 ${13 * scale}px ${style.font}`
  pen.fillText(unit, x + width + 12 * scale, y + height / 2)
}

function digits(limit) {
  return limit >= 20 ? 0 : limit >= 2 ? 1 : limit >= 0.2 ? 2 : 3
}

function number(value, limit) {
  return value.toFixed(digits(limit)).replace("-", "\u2212")
}

function significance(passes) {
  if (passes === null) return []
  if (!passes) return ["  n.s."]
  return ["  p", Object.assign(document.createElement("sub"), { textContent: "FDR" }), " < .05"]
}

// A PNG that opens at its printed size: the pHYs chunk says pixels per metre.
async function withResolution(blob, dpi) {
  const bytes = new Uint8Array(await blob.arrayBuffer()), chunk = new DataView(new ArrayBuffer(21))
  const perMetre = Math.round(dpi / 0.0254)
  chunk.setUint32(0, 9)
  chunk.setUint32(4, 0x70485973)
  chunk.setUint32(8, perMetre)
  chunk.setUint32(12, perMetre)
  chunk.setUint8(16, 1)
  let crc = ~0
  for (let i = 4; i < 17; i++) {
    crc ^= chunk.getUint8(i)
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  chunk.setUint32(17, ~crc >>> 0)
  const header = 33 // signature and IHDR
  return new Blob([bytes.subarray(0, header), chunk.buffer, bytes.subarray(header)], { type: "image/png" })
}

// ---------------------------------------------------------------- controls

const ICONS = {
  back: '<path d="M10 3 5 8l5 5"/>',
  next: '<path d="m6 3 5 5-5 5"/>',
  reset: '<path d="M3 8a5 5 0 1 0 1.6-3.7M3 2.5v3h3"/>',
  save: '<path d="M8 2v8M4.8 7 8 10.2 11.2 7M3 13h10"/>',
  contours: '<path d="M2 5.500 6 3l4 2.500L14 3v7.500L10 13l-4-2.500L2 13ZM6 3v7.500M10 5.500V13"/>',
}

function icon(name) {
  return `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${ICONS[name]}</svg>`
}

function swatch(name) {
  const table = hexBytes(COLOUR_TABLES[name])
  const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map(i => `rgb(${table[3 * i]},${table[3 * i + 1]},${table[3 * i + 2]})`)
  return `linear-gradient(90deg,${stops.join(",")})`
}

const MARKUP = `
<div class="bar" role="toolbar" aria-label="Brain map controls">
  <div class="group scrub">
    <button type="button" data-act="back" aria-label="Previous map" title="Previous map (left arrow)">${icon("back")}</button>
    <input type="range" data-set="map" min="0" step="1" aria-label="Map">
    <button type="button" data-act="next" aria-label="Next map" title="Next map (right arrow)">${icon("next")}</button>
    <output class="name" data-out="map" aria-live="polite"></output>
  </div>
  <label class="group"><span>Threshold</span><input type="range" data-set="threshold" min="0" aria-label="Threshold"><output data-out="threshold"></output></label>
  <label class="group"><span>Limit</span><input type="range" data-set="limit" aria-label="Colour limit"><output data-out="limit"></output></label>
  <div class="group switch" role="radiogroup" aria-label="Surface" data-choice="surface"></div>
  <div class="group switch swatches" role="radiogroup" aria-label="Colour map" data-choice="colourMap"></div>
  <label class="group"><span>Outline</span><select data-set="network" aria-label="Outline a network"></select></label>
  <div class="group end">
    <button type="button" data-act="contours" aria-label="Network contours" title="Network contours (c)">${icon("contours")}</button>
    <button type="button" data-act="reset" aria-label="Reset the view" title="Reset the view (r)">${icon("reset")}</button>
    <button type="button" data-act="save" aria-label="Download a PNG for print" title="PNG, ${PRINT_MM} mm at ${PRINT_DPI} dpi">${icon("save")}</button>
  </div>
</div>
<div class="stage">
  <canvas class="brains" tabindex="0" role="img"></canvas>
  <div class="titles" aria-hidden="true"></div>
  <div class="tip" role="status" hidden></div>
  <p class="notice" hidden></p>
</div>
<canvas class="scale" role="img"></canvas>`

// ---------------------------------------------------------------- the viewer

class Viewer {
  constructor(root) {
    this.root = root
    root.innerHTML = MARKUP
    this.canvas = root.querySelector(".brains")
    this.scale = root.querySelector(".scale")
    this.tip = root.querySelector(".tip")
    this.notice = root.querySelector(".notice")
    this.state = { map: 0, threshold: 0, limit: 1, network: 0, colourMap: "RdBu_r", surface: "inflated", contours: true }
    this.mixing = [1, 0, 0]
    this.camera = { azimuth: 0, elevation: 0, zoom: 1, panX: 0, panY: 0 }
    this.last = {}
    this.probe = { ready: false, drawnAt: 0, draws: 0, uploads: 0, switchTimes: [], viewer: this }
    this.fillChoices()
    this.listen()
    this.start()
  }

  start() {
    try {
      this.painter = new Painter(this.canvas)
      this.probe.renderer = this.painter.renderer
    } catch {
      this.say("This browser offers no WebGL2, so the interactive brain cannot be drawn here; a simpler figure is shown instead.")
      this.root.classList.add("unable")
    }
  }

  say(text) {
    this.notice.textContent = text
    this.notice.hidden = !text
  }

  // ---- data from Python

  receive(data, send) {
    this.send = send
    this.data = data
    if (!this.painter) return send.state("webgl", false)
    this.load()
  }

  load() {
    const { data } = this, geometry = openBlock(data.geometry), maps = openBlock(data.maps)
    if (!geometry || !maps) return // the block's own event calls again
    const fresh = maps !== this.maps
    if (geometry !== this.geometry) {
      this.geometry = geometry
      this.anatomy = buildAnatomy(geometry)
      this.painter.setAnatomy(this.anatomy)
      this.probe.uploads++
      this.fillNetworks(geometry.header.network_names)
      this.painter.setOutline(this.state.network)
      this.shown = null
    }
    if (fresh) this.setMaps(maps)
    this.follow({ map: data.selected_map, threshold: data.threshold, limit: data.limit, network: data.network, colourMap: data.colour_map }, fresh)
    this.resize()
    this.probe.ready = true
    this.say("")
  }

  setMaps(maps) {
    this.maps = maps
    this.shown = null
    const { scales } = maps.arrays
    let top = 0
    const rows = maps.header.names.length, wide = maps.header.n_locations
    for (let m = 0; m < rows; m++) {
      let peak = 0
      for (let i = m * wide; i < (m + 1) * wide; i++) if (maps.arrays.maps[i] !== NO_DATA) peak = Math.max(peak, Math.abs(maps.arrays.maps[i]))
      top = Math.max(top, peak * scales[m])
    }
    this.top = Math.max(top, 1e-6)
    this.probe.uploads++
  }

  // Only what Python changed since it last spoke; the rest is the reader's. The
  // reader's own map coming back is no change: by then another may be on screen.
  follow(wanted, all) {
    const changes = {}
    for (const [name, value] of Object.entries(wanted)) if (all || this.last[name] !== value) changes[name] = value
    this.last = wanted
    if (!all && changes.map === this.told) delete changes.map
    else if (changes.map !== undefined) this.told = changes.map
    this.set(changes)
  }

  set(changes) {
    Object.assign(this.state, changes)
    if (changes.network !== undefined && this.painter && this.anatomy) this.painter.setOutline(this.state.network)
    this.showControls()
    this.request()
  }

  row(map) {
    const wide = this.maps.header.n_locations
    return this.maps.arrays.maps.subarray(map * wide, (map + 1) * wide)
  }

  value(map, location) {
    if (location < 0) return null
    const raw = this.row(map)[location]
    return raw === NO_DATA ? null : raw * this.maps.arrays.scales[map]
  }

  isSignificant(map, location) {
    const marks = this.maps.arrays.significant
    if (!marks || location < 0) return null
    const perRow = Math.ceil(this.maps.header.n_locations / 8)
    return !!((marks[map * perRow + (location >> 3)] >> (location & 7)) & 1)
  }

  // ---- drawing

  request() {
    if (this.pending || !this.painter || !this.anatomy) return
    this.pending = requestAnimationFrame(() => {
      this.pending = 0
      this.draw(!this.painter.software)
      if (!this.painter.software) return
      clearTimeout(this.rest)
      this.rest = setTimeout(() => this.draw(true), 220)
    })
  }

  draw(fine) {
    if (!this.maps || this.painter.gl.isContextLost() || !this.canvas.width) return
    if (this.shown !== this.state.map) {
      this.painter.setValues(this.row(this.state.map), this.geometry.arrays.location)
      this.shown = this.state.map
    }
    const ratio = this.canvas.width / this.canvas.clientWidth
    this.painter.draw(this.scene(this.canvas.width, this.canvas.height, this.columns, ratio * this.pen()), fine)
    this.paintScale()
    this.probe.drawnAt = performance.now()
    this.probe.draws++
    this.probe.fine = fine
    Object.assign(this.probe, this.state, { camera: { ...this.camera } })
  }

  pen() {
    return Math.min(Math.max(this.canvas.clientWidth / 1200, 0.85), 1.6)
  }

  scene(width, height, columns, penScale, tight = false) {
    const { state } = this, [low, high] = range(this.maps.header.signed, state.colourMap, state.limit)
    return {
      frames: this.frames(width, height, columns, tight), mixing: this.mixing, penScale, low, high,
      threshold: state.threshold, colourMap: state.colourMap, contours: state.contours,
      unit: 32767 * this.maps.arrays.scales[state.map],
    }
  }

  frames(width, height, columns, tight = false) {
    const flatness = this.mixing[2]
    return layout(columns, flatness).map((rect, i) => frame(VIEWS[i], rect, width, height, this.camera, flatness, tight))
  }

  resize() {
    const width = this.root.clientWidth
    if (!width || !this.data) return
    const free = Math.max(this.data.height - this.root.querySelector(".bar").offsetHeight - this.scale.offsetHeight - 8, 150)
    this.columns = width < TWO_ROWS_BELOW ? 2 : 4 // beneath, four in a row are too small to read
    const height = Math.round(this.columns === 2 ? Math.max(free, Math.min(width * 0.72, 1.4 * free)) : free)
    const ratio = Math.min(window.devicePixelRatio || 1, 3)
    this.canvas.style.height = `${height}px`
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h })
    this.placeTitles(width, height)
    this.request()
  }

  placeTitles(width, height) {
    const box = this.root.querySelector(".titles"), high = EXTENT[this.state.surface === "flat" ? "flat" : "folded"][1]
    box.replaceChildren(...this.frames(width, height, this.columns).filter(f => f.w > 60 && f.h > 60).map(f => {
      const title = document.createElement("span")
      title.textContent = this.state.surface === "flat" ? f.view.title.split(" ")[0] : f.view.title
      title.style.left = `${f.x + f.w / 2}px`
      title.style.top = `${Math.max(f.y + f.h / 2 - (0.5 * high * f.scale) / this.camera.zoom - 3, f.y)}px`
      return title
    }))
  }

  paintScale() {
    const { scale } = this, ratio = window.devicePixelRatio || 1, [width, height] = [scale.clientWidth, scale.clientHeight]
    Object.assign(scale, { width: Math.round(width * ratio), height: Math.round(height * ratio) })
    const pen = scale.getContext("2d"), long = Math.min(360, width * 0.6)
    pen.scale(ratio, ratio)
    const css = getComputedStyle(this.root)
    paintBar(pen, (width - long) / 2, 5, long, 11, 1, this.barStyle(css.color, css.fontFamily))
    const { name, threshold } = { name: this.maps.header.names[this.state.map], threshold: number(this.state.threshold, this.state.limit) }
    scale.setAttribute("aria-label", `Colour bar of ${name}: grey below ${threshold}, limit ${number(this.state.limit, this.state.limit)} ${this.maps.header.unit}`)
  }

  barStyle(ink, font) {
    const { state } = this, [low, high] = range(this.maps.header.signed, state.colourMap, state.limit)
    return { low, high, ink, font, threshold: state.threshold, colourMap: state.colourMap, unit: this.maps.header.unit }
  }

  morph(surface) {
    const from = [...this.mixing], to = SURFACES.map(name => Number(name === surface)), begin = performance.now()
    this.state.surface = surface
    this.showControls()
    cancelAnimationFrame(this.morphing)
    const still = window.matchMedia?.("(prefers-reduced-motion: reduce)").matches
    const step = now => {
      const t = still ? 1 : Math.min(Math.max((now - begin) / 650, 0), 1), ease = t * t * (3 - 2 * t)
      this.mixing = t === 1 ? to : from.map((v, i) => v + (to[i] - v) * ease)
      this.moved()
      this.placeTitles(this.canvas.clientWidth, this.canvas.clientHeight)
      if (t < 1) this.morphing = requestAnimationFrame(step)
    }
    this.morphing = requestAnimationFrame(step)
  }

  moved() {
    this.projected = null
    this.request()
  }

  reset() {
    this.camera = { azimuth: 0, elevation: 0, zoom: 1, panX: 0, panY: 0 }
    this.moved()
  }

  // ---- what is under the pointer

  // Screen positions of one view's vertices, remembered until the camera moves.
  project(f) {
    const { w, h, scale, panX, panY, rotation: r } = f, hemisphere = this.anatomy.hemispheres[f.view.hemisphere]
    const key = `${VIEWS.indexOf(f.view)}:${w}x${h}`
    this.projected ??= new Map()
    if (this.projected.has(key)) return this.projected.get(key)
    const out = new Float32Array(hemisphere.count * 3), [m0, m1, m2] = this.mixing, { inflated, pial, flat } = hemisphere.points
    for (let i = 0; i < out.length; i += 3) {
      const [x, y, z] = [0, 1, 2].map(k => m0 * inflated[i + k] + m1 * pial[i + k] + m2 * flat[i + k])
      out[i] = w / 2 + (r[0] * x + r[1] * y + r[2] * z) * scale + panX
      out[i + 1] = h / 2 - (r[3] * x + r[4] * y + r[5] * z) * scale - panY
      out[i + 2] = r[6] * x + r[7] * y + r[8] * z
    }
    this.projected.set(key, out)
    return out
  }

  pick(x, y) {
    if (!this.anatomy) return null
    const frames = this.frames(this.canvas.clientWidth, this.canvas.clientHeight, this.columns)
    const f = frames.find(g => x >= g.x && x < g.x + g.w && y >= g.y && y < g.y + g.h)
    return f ? this.frontmost(f, x - f.x, y - f.y) : null
  }

  frontmost(f, x, y) {
    const { faces, flat, start } = this.anatomy.hemispheres[f.view.hemisphere], p = this.project(f)
    let nearest = -Infinity, found = null
    for (let t = 0; t < faces.length; t += 3) {
      const [a, b, c] = [3 * faces[t], 3 * faces[t + 1], 3 * faces[t + 2]]
      if (Math.max(p[a + 2], p[b + 2], p[c + 2]) <= nearest || (this.mixing[2] && !flat[t / 3])) continue
      const area = (p[b] - p[a]) * (p[c + 1] - p[a + 1]) - (p[c] - p[a]) * (p[b + 1] - p[a + 1])
      if (area >= 0) continue // faces away: screen y points down
      const u = ((p[b] - x) * (p[c + 1] - y) - (p[c] - x) * (p[b + 1] - y)) / area
      const v = ((p[c] - x) * (p[a + 1] - y) - (p[a] - x) * (p[c + 1] - y)) / area
      const w = 1 - u - v
      if (u < 0 || v < 0 || w < 0) continue
      const depth = u * p[a + 2] + v * p[b + 2] + w * p[c + 2]
      if (depth <= nearest) continue
      nearest = depth
      found = start + faces[t + (u >= v && u >= w ? 0 : v >= w ? 1 : 2)]
    }
    return found
  }

  // Where a vertex is on the page, or null where it is hidden in every view.
  locate(vertex) {
    const box = this.canvas.getBoundingClientRect()
    for (const f of this.frames(box.width, box.height, this.columns)) {
      const hemisphere = this.anatomy.hemispheres[f.view.hemisphere], i = 3 * (vertex - hemisphere.start)
      if (i < 0 || i >= 3 * hemisphere.count || f.w < 2) continue
      const p = this.project(f)
      if (this.pick(f.x + p[i], f.y + p[i + 1]) === vertex) return { x: box.left + f.x + p[i], y: box.top + f.y + p[i + 1] }
    }
    return null
  }

  describe(vertex) {
    const { header, arrays } = this.geometry, location = arrays.location[vertex], { map } = this.state
    const network = header.network_names[arrays.networks[vertex] - 1]
    const region = header.location_names.length ? header.location_names[location] : header.region_names[arrays.regions[vertex] - 1]
    return { vertex, location, network, region, wall: !!arrays.wall[vertex], value: this.value(map, location),
      significant: this.isSignificant(map, location), side: vertex < header.n_left ? "Left" : "Right" }
  }

  hover(x, y) {
    const vertex = this.pick(x, y)
    this.tip.hidden = vertex === null
    this.canvas.style.cursor = vertex === null ? "grab" : "crosshair"
    if (vertex === null) return
    const d = this.describe(vertex), lines = d.wall ? [`${d.side} hemisphere`, "Medial wall"] : this.lines(d)
    this.tip.replaceChildren(...lines.map((text, i) => Object.assign(document.createElement("div"), { textContent: text, className: `line${i}` })))
    if (!d.wall && d.value !== null) this.tip.firstChild.append(...significance(d.significant))
    const width = this.tip.offsetWidth, room = this.canvas.clientWidth
    this.tip.style.left = `${x + 16 + width > room ? Math.max(x - width - 12, 0) : x + 16}px`
    this.tip.style.top = `${Math.max(y - this.tip.offsetHeight - 10, 0)}px`
  }

  lines(d) {
    const { unit } = this.maps.header, places = /^(r|rho|R²)$/i.test(unit) ? 3 : 2
    const value = d.value === null ? "no data" : `${unit} = ${d.value.toFixed(places).replace("-", "\u2212")}`
    return [value, d.region ?? "No region", `${d.network ?? "No network"} \u00b7 ${d.side.toLowerCase()} hemisphere`]
  }

  // ---- controls

  fillChoices() {
    const add = (name, values, make) => this.root.querySelector(`[data-choice=${name}]`).append(...values.map(value => {
      const button = Object.assign(document.createElement("button"), { type: "button", role: "radio" })
      button.dataset.value = value
      make(button, value)
      return button
    }))
    add("surface", SURFACES, (button, value) => { button.textContent = SURFACE_TITLES[value] })
    add("colourMap", Object.keys(COLOUR_TABLES), (button, value) => {
      button.innerHTML = "<i></i>"
      button.firstChild.style.background = swatch(value)
      button.title = value
      button.setAttribute("aria-label", `Colour map ${value}`)
    })
  }

  fillNetworks(names) {
    const select = this.root.querySelector("[data-set=network]")
    select.replaceChildren(...["None", ...names].map((name, i) => Object.assign(document.createElement("option"), { value: i, textContent: name })))
  }

  showControls() {
    if (!this.maps) return
    const { state, root } = this, { names, unit } = this.maps.header
    const at = name => root.querySelector(`[data-set=${name}]`), out = (name, text) => { root.querySelector(`[data-out=${name}]`).textContent = text }
    const slide = (name, top) => {
      const input = at(name)
      Object.assign(input, { min: name === "limit" ? top / 200 : 0, max: top, step: name === "map" ? 1 : "any", value: state[name] })
      input.style.setProperty("--filled", `${(100 * (state[name] - input.min)) / (input.max - input.min || 1)}%`)
    }
    slide("map", names.length - 1)
    slide("threshold", Math.max(state.limit, state.threshold))
    slide("limit", Math.max(this.top, state.limit))
    out("map", names[state.map])
    out("threshold", `|${unit}| \u2265 ${number(state.threshold, Math.min(state.limit, 9.9))}`)
    out("limit", `\u00b1${number(state.limit, Math.min(state.limit, 9.9))}`)
    at("map").setAttribute("aria-valuetext", names[state.map])
    at("network").value = state.network
    for (const name of ["surface", "colourMap"]) {
      for (const button of root.querySelectorAll(`[data-choice=${name}] button`)) {
        button.setAttribute("aria-checked", button.dataset.value === state[name])
      }
    }
    root.querySelector("[data-act=contours]").setAttribute("aria-pressed", state.contours)
    this.canvas.setAttribute("aria-label", `${names[state.map]} on the ${state.surface} cortical surface, four views. Arrow keys change map and threshold.`)
  }

  step(by) {
    const last = this.maps.header.names.length - 1, map = Math.min(Math.max(this.state.map + by, 0), last)
    if (map === this.state.map) return
    this.set({ map })
    clearTimeout(this.telling)
    this.telling = setTimeout(() => this.tell(), 450)
  }

  // Python hears once, when the reader has stopped at a map.
  tell() {
    if (this.state.map === this.told) return
    this.told = this.state.map
    this.send.trigger("map", this.told)
  }

  act(name) {
    if (!this.maps) return
    if (name === "back" || name === "next") this.step(name === "next" ? 1 : -1)
    if (name === "reset") this.reset()
    if (name === "contours") this.set({ contours: !this.state.contours })
    if (name === "save") this.save()
  }

  listen() {
    const { root, canvas } = this
    root.addEventListener("input", e => {
      const name = e.target.dataset.set
      if (!name || !this.maps) return
      const value = Number(e.target.value)
      this.set(name === "limit" ? { limit: value, threshold: Math.min(this.state.threshold, value) } : { [name]: value })
    })
    root.addEventListener("change", e => { if (e.target.dataset.set === "map" && this.maps) this.tell() })
    root.addEventListener("click", e => {
      const button = e.target.closest("button")
      if (!button) return
      const choice = button.parentElement.dataset.choice
      if (choice === "surface") this.morph(button.dataset.value)
      else if (choice) this.set({ [choice]: button.dataset.value })
      else this.act(button.dataset.act)
    })
    canvas.addEventListener("keydown", e => this.key(e))
    canvas.addEventListener("wheel", e => this.wheel(e), { passive: false })
    canvas.addEventListener("dblclick", () => this.reset())
    canvas.addEventListener("webglcontextlost", e => { e.preventDefault(); this.say("The graphics card was lost; waiting for it.") })
    canvas.addEventListener("webglcontextrestored", () => this.restore())
    this.listenPointer()
    this.onBlock = () => this.data && this.painter && this.load()
    window.addEventListener("brain-viewer-block", this.onBlock)
    this.observer = new ResizeObserver(() => { this.projected = null; this.resize() })
    this.observer.observe(root)
  }

  listenPointer() {
    const { canvas } = this
    let drag = null
    canvas.addEventListener("pointerdown", e => {
      drag = { x: e.clientX, y: e.clientY, far: 0, mirror: this.side(e.offsetX, e.offsetY) }
      canvas.setPointerCapture(e.pointerId)
    })
    canvas.addEventListener("pointermove", e => {
      if (!drag) return this.hover(e.offsetX, e.offsetY)
      const dx = e.clientX - drag.x, dy = e.clientY - drag.y
      drag.far += Math.abs(dx) + Math.abs(dy)
      Object.assign(drag, { x: e.clientX, y: e.clientY })
      if (drag.far < 4) return
      this.tip.hidden = true
      this.turn(dx, dy, drag.mirror, e.shiftKey)
    })
    canvas.addEventListener("pointerup", e => {
      const vertex = drag && drag.far < 4 ? this.pick(e.offsetX, e.offsetY) : null
      drag = null
      if (vertex !== null) this.send.trigger("pick", { vertex, map: this.state.map, count: (this.clicks = (this.clicks ?? 0) + 1) })
    })
    canvas.addEventListener("pointercancel", () => { drag = null })
    canvas.addEventListener("pointerleave", () => { this.tip.hidden = true })
  }

  side(x, y) {
    const f = this.frames(this.canvas.clientWidth, this.canvas.clientHeight, this.columns ?? 4)
      .find(g => x >= g.x && x < g.x + g.w && y >= g.y && y < g.y + g.h) ?? { view: VIEWS[0], scale: 1 }
    return { turn: f.view.hemisphere ? -1 : 1, pan: (f.view.hemisphere === 0) !== !!f.view.medial ? 1 : -1, scale: f.scale }
  }

  turn(dx, dy, mirror, shift) {
    if (shift || this.state.surface === "flat") {
      this.camera.panX += (dx * mirror.pan) / mirror.scale
      this.camera.panY -= dy / mirror.scale
    } else {
      this.camera.azimuth += dx * 0.01 * mirror.turn
      this.camera.elevation = Math.min(Math.max(this.camera.elevation + dy * 0.01, -1.57), 1.57)
    }
    this.moved()
  }

  wheel(e) {
    if (!e.ctrlKey && this.canvas.getRootNode().activeElement !== this.canvas) return
    e.preventDefault()
    this.camera.zoom = Math.min(Math.max(this.camera.zoom * Math.exp(-e.deltaY * 0.0015), 0.6), 8)
    this.moved()
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || !this.maps) return
    const bump = by => this.set({ threshold: Math.min(Math.max(this.state.threshold + (by * this.state.limit) / 50, 0), this.state.limit) })
    const acts = {
      ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), ArrowUp: () => bump(1), ArrowDown: () => bump(-1),
      r: () => this.reset(), c: () => this.act("contours"),
      s: () => this.morph(SURFACES[(SURFACES.indexOf(this.state.surface) + 1) % SURFACES.length]),
    }
    if (!acts[e.key]) return
    e.preventDefault()
    e.stopPropagation() // r and c are shortcuts of the page too
    acts[e.key]()
  }

  restore() {
    this.painter.prepare()
    this.painter.setAnatomy(this.anatomy)
    this.painter.setOutline(this.state.network)
    this.shown = null
    this.say("")
    this.request()
  }

  // ---- print

  async print() {
    const width = Math.round((PRINT_MM / 25.4) * PRINT_DPI), unit = width / 1100, flat = this.mixing[2] > 0.5
    const limit = this.painter.gl.getParameter(this.painter.gl.MAX_RENDERBUFFER_SIZE)
    const extent = flat ? EXTENT.flat : EXTENT.folded, columns = flat ? 2 : 4
    const high = Math.min(Math.round((width / columns) * ((extent[1] - 14) / extent[0])), limit)
    const image = this.painter.picture(this.scene(width, high, 4, unit, true), width, high)
    const [head, foot] = [Math.round(46 * unit), Math.round(64 * unit)], sheet = document.createElement("canvas")
    Object.assign(sheet, { width, height: head + high + foot })
    const pen = sheet.getContext("2d"), font = "Helvetica, Arial, sans-serif"
    pen.fillStyle = "#fff"
    pen.fillRect(0, 0, width, sheet.height)
    pen.putImageData(image, 0, head)
    pen.fillStyle = "#1a1a1a"
    pen.font = `600 ${19 * unit}px ${font}`
    pen.fillText(this.maps.header.names[this.state.map], 12 * unit, 24 * unit)
    pen.font = `${12 * unit}px ${font}`
    pen.fillStyle = "#555"
    pen.fillText(this.caption(), 12 * unit, 41 * unit)
    paintBar(pen, width / 2 - 150 * unit, head + high + 14 * unit, 300 * unit, 11 * unit, unit, this.barStyle("#1a1a1a", font))
    this.draw(true)
    return withResolution(await new Promise(done => sheet.toBlob(done, "image/png")), PRINT_DPI)
  }

  caption() {
    const { state } = this, { unit } = this.maps.header, { surface, network_names } = this.geometry.header
    const outline = state.network ? ` \u00b7 outline: ${network_names[state.network - 1]}` : ""
    return `${surface}, ${state.surface} \u00b7 |${unit}| \u2265 ${number(state.threshold, Math.min(state.limit, 9.9))}${outline}`
  }

  async save() {
    const link = document.createElement("a"), address = URL.createObjectURL(await this.print())
    const name = this.maps.header.names[this.state.map].replace(/[^\w-]+/g, "_").toLowerCase()
    Object.assign(link, { href: address, download: `${name}_${this.state.surface}.png` }).click()
    setTimeout(() => URL.revokeObjectURL(address), 10000)
  }

  // Milliseconds from asking for a map to its finished pixels.
  timeSwitch(map) {
    const begin = performance.now()
    this.set({ map })
    this.draw(!this.painter.software)
    this.painter.finish()
    const took = performance.now() - begin
    this.probe.switchTimes.push(took)
    return took
  }

  close() {
    window.removeEventListener("brain-viewer-block", this.onBlock)
    this.observer.disconnect()
    cancelAnimationFrame(this.pending)
    cancelAnimationFrame(this.morphing)
    clearTimeout(this.rest)
    clearTimeout(this.telling)
    this.painter?.close()
    if (window.__brainViewer === this.probe) delete window.__brainViewer
    delete window.__brainViewers[this.data?.key]
  }
}

const VIEWERS = (window.__brainViewerMounts ??= new WeakMap())

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let viewer = VIEWERS.get(parentElement)
  if (!viewer) {
    viewer = new Viewer(parentElement.querySelector(".viewer"))
    VIEWERS.set(parentElement, viewer)
  }
  window.__brainViewer = (window.__brainViewers ??= {})[data.key] = viewer.probe
  viewer.receive(data, { state: setStateValue, trigger: setTriggerValue })
  return () => {
    VIEWERS.delete(parentElement)
    viewer.close()
  }
}
