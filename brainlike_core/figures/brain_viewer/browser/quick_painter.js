// Software GL spends its time on vertices. As long as only the values change, two pictures of the
// still scene are kept, one of where each pixel lies (location, light, grey of the cortex), one of
// the lines; another map is then one pass over the pixels. Within a triangle of a map on vertices
// the kept picture knows one vertex only: the picture at rest is drawn in full.

const KEPT_LIGHT = 1.06 // no light is stronger

const PLACE_VERTEX = `#version 300 es
layout(location=0) in vec3 p0; layout(location=1) in vec3 p1; layout(location=2) in vec3 p2;
layout(location=3) in vec3 n0; layout(location=4) in vec3 n1; layout(location=5) in vec3 n2;
layout(location=6) in vec2 paint; layout(location=8) in float place;
uniform vec3 mixing; uniform mat3 turn; uniform vec2 scale; uniform vec2 pan;
out vec3 normal; out vec2 base; flat out float id;
void main() {
  vec3 p = turn * (mixing.x * p0 + mixing.y * p1 + mixing.z * p2);
  normal = turn * (mixing.x * n0 + mixing.y * n1 + mixing.z * n2);
  base = paint; id = place;
  gl_Position = vec4(p.xy * scale + pan, -p.z / 400.0, 1.0);
}`

const PLACE_FRAGMENT = `#version 300 es
precision highp float;
in vec3 normal; in vec2 base; flat in float id; out vec4 colour;
uniform float flatness;
${LIGHT}
void main() {
  float cortex = mix(mix(.836, .655, smoothstep(-.12, .22, base.x)), .775, step(.5, base.y));
  float high = floor(id / 256.);
  colour = vec4(high / 255., (id - 256. * high) / 255., lightOf(normalize(normal), flatness) / ${KEPT_LIGHT}, cortex);
}`

const KEPT_VERTEX = `#version 300 es
void main() { gl_Position = vec4(gl_VertexID == 1 ? 3. : -1., gl_VertexID == 2 ? 3. : -1., 0., 1.); }`

const KEPT_FRAGMENT = `#version 300 es
precision highp float; precision highp int; precision highp isampler2D;
uniform sampler2D table, places, lines; uniform isampler2D values;
uniform float unit, threshold, low, high;
out vec4 colour;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  vec4 place = texelFetch(places, at, 0), line = texelFetch(lines, at, 0);
  if (place.a == 0.) { colour = line; return; }
  int id = int(place.r * 255. + .5) * 256 + int(place.g * 255. + .5);
  vec3 paint = vec3(place.a);
  if (id > 0) {
    int value = texelFetch(values, ivec2((id - 1) & 255, (id - 1) >> 8), 0).r;
    float data = value == ${NO_DATA} ? 0. : float(value) / 32767. * unit;
    float hue = clamp((data - low) / (high - low), 0., 1.) * 255. / 256. + .5 / 256.;
    float sulcus = clamp((.836 - place.a) / .181, 0., 1.);
    if (threshold <= 0. || abs(data) >= threshold) paint = texture(table, vec2(hue, .5)).rgb * mix(1., .93, sulcus);
  }
  vec3 lit = min(paint * place.b * ${KEPT_LIGHT}, 1.);
  colour = vec4(lit * (1. - line.a) + line.rgb, 1.);
}`

class QuickPainter extends Painter {
  prepare() {
    super.prepare()
    this.place = this.program(PLACE_VERTEX, PLACE_FRAGMENT)
    this.kept = this.program(KEPT_VERTEX, KEPT_FRAGMENT)
    this.nothing = this.gl.createVertexArray()
    this.keptKey = this.lastKey = this.layers = null
  }

  setAnatomy(anatomy) {
    super.setAnatomy(anatomy)
    this.keptKey = null
  }

  draw(scene, fine) {
    const still = scene.key === this.lastKey
    this.lastKey = scene.key
    if (fine || !this.software || !still) return super.draw(scene, fine)
    if (this.keptKey !== scene.key) this.keep(scene)
    this.compose(scene)
  }

  texture(width, height) {
    const { gl } = this, texture = gl.createTexture()
    gl.bindTexture(gl.TEXTURE_2D, texture)
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, width, height)
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST)
    return texture
  }

  makeLayers(width, height) {
    const { gl, layers } = this
    if (layers?.width === width && layers.height === height) return
    if (layers) {
      gl.deleteFramebuffer(layers.framebuffer)
      gl.deleteRenderbuffer(layers.depth)
      for (const texture of [layers.places, layers.lines]) gl.deleteTexture(texture)
    }
    const depth = gl.createRenderbuffer(), framebuffer = gl.createFramebuffer()
    gl.bindRenderbuffer(gl.RENDERBUFFER, depth)
    gl.renderbufferStorage(gl.RENDERBUFFER, gl.DEPTH_COMPONENT24, width, height)
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer)
    gl.framebufferRenderbuffer(gl.FRAMEBUFFER, gl.DEPTH_ATTACHMENT, gl.RENDERBUFFER, depth)
    this.layers = { width, height, framebuffer, depth, places: this.texture(width, height), lines: this.texture(width, height) }
  }

  // Draw where each pixel lies, then the lines in front of it.
  keep(scene) {
    const { gl, canvas: { width, height } } = this
    this.makeLayers(width, height)
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.layers.framebuffer)
    gl.disable(gl.SCISSOR_TEST)
    gl.depthMask(true)
    gl.clearColor(0, 0, 0, 0)
    gl.enable(gl.DEPTH_TEST)
    gl.enable(gl.CULL_FACE)
    const views = scene.frames.filter(view => view.w >= 2 && view.h >= 2)
    for (const [layer, clear, paint] of [
      [this.layers.places, gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT, view => this.paintPlaces(view, scene)],
      [this.layers.lines, gl.COLOR_BUFFER_BIT, view => this.paintAllLines(view, scene)],
    ]) {
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, layer, 0)
      gl.clear(clear)
      for (const view of views) {
        gl.viewport(Math.round(view.x), Math.round(height - view.y - view.h), Math.round(view.w), Math.round(view.h))
        paint(view)
      }
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
    this.keptKey = scene.key
  }

  paintPlaces(view, scene) {
    const { gl } = this, part = this.parts[view.view.hemisphere]
    gl.useProgram(this.place.program)
    this.camera(this.place.uniforms, view, scene)
    gl.uniform1f(this.place.uniforms.flatness, scene.mixing[2])
    gl.disable(gl.BLEND)
    this.drawTriangles(part, scene)
  }

  compose(scene) {
    const { gl, canvas, kept: { program, uniforms: u } } = this
    gl.bindFramebuffer(gl.FRAMEBUFFER, null)
    gl.viewport(0, 0, canvas.width, canvas.height)
    for (const state of [gl.BLEND, gl.DEPTH_TEST, gl.CULL_FACE]) gl.disable(state)
    gl.useProgram(program)
    this.uploadRow()
    const textures = { table: this.tables[scene.colourMap], places: this.layers.places, lines: this.layers.lines, values: this.rowTexture }
    Object.entries(textures).forEach(([name, texture], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit)
      gl.bindTexture(gl.TEXTURE_2D, texture)
      gl.uniform1i(u[name], unit)
    })
    gl.activeTexture(gl.TEXTURE0)
    for (const name of ["unit", "threshold", "low", "high"]) gl.uniform1f(u[name], scene[name])
    gl.bindVertexArray(this.nothing)
    gl.drawArrays(gl.TRIANGLES, 0, 3)
    gl.bindVertexArray(null)
  }

  // The map as a picture of 256 locations a line.
  uploadRow() {
    if (this.rowUploaded === this.rowVersion) return
    const { gl, row } = this, lines = Math.ceil(row.length / 256)
    if (this.rowLines !== lines) {
      gl.deleteTexture(this.rowTexture ?? null)
      this.rowTexture = gl.createTexture()
      gl.bindTexture(gl.TEXTURE_2D, this.rowTexture)
      gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R16I, 256, lines)
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST)
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST)
      this.rowLines = lines
      this.padded = new Int16Array(256 * lines)
    }
    this.padded.set(row)
    gl.bindTexture(gl.TEXTURE_2D, this.rowTexture)
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2)
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 256, lines, gl.RED_INTEGER, gl.SHORT, this.padded)
    this.rowUploaded = this.rowVersion
  }
}
