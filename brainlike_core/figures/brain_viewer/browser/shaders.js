// How bright a surface is that faces some way; flat maps are evenly lit.
const LIGHT = `float lightOf(vec3 n, float flatness) {
  float key = max(dot(n, normalize(vec3(-.25, .45, 1.))), 0.);
  float rim = smoothstep(.0, .55, n.z);
  return mix(mix(.50, 1.0, rim) * mix(.80, 1.06, key), 1., flatness);
}`

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
${LIGHT}
void main() {
  vec3 cortex = mix(vec3(.84, .836, .83), vec3(.655, .652, .655), smoothstep(-.12, .22, base.x));
  cortex = mix(cortex, vec3(.775), step(.5, base.y));
  float size = abs(data), edge = max(fwidth(size) * .6, 1e-6);
  float shown = (1. - step(.5, base.y)) * (threshold <= 0. ? 1. : smoothstep(threshold - edge, threshold + edge, size));
  float at = clamp((data - low) / (high - low), 0., 1.);
  vec3 hue = texture(table, vec2(at * 255. / 256. + .5 / 256., .5)).rgb;
  vec3 paint = mix(cortex, hue * mix(1.0, .93, smoothstep(-.12, .22, base.x)), shown);
  vec3 n = normalize(normal);
  float light = lightOf(n, flatness);
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
