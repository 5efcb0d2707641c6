/* The few words in which CUDA C++ and OpenCL C differ; the kernels below are written in these.
 *
 * Constants given when the source is built:
 *   HW_BF16       1 if matrices and KV are stored as bfloat16, 0 for float; arithmetic is float
 *   HEAD_DIM      elements of one attention head
 *   GROUP_HEADS   query heads that share one KV head
 *   BLOCK_TOKENS  token positions of one KV block
 *   LOCAL_THREADS threads of one work-group, a power of two
 */
#define HW_UNROLL _Pragma("unroll")
#ifdef __CUDACC__
#define HW_KERNEL extern "C" __global__ void
#define HW_FUNCTION static __device__ __forceinline__
#define HW_GLOBAL
#define HW_LOCAL __shared__
#define HW_LOCAL_POINTER
#define HW_RESTRICT __restrict__
#define HW_BARRIER() __syncthreads()
#define HW_GROUP_X ((int)blockIdx.x)
#define HW_GROUP_Y ((int)blockIdx.y)
#define HW_GROUP_Z ((int)blockIdx.z)
#define HW_THREAD ((int)threadIdx.x)
#define HW_INFINITY (__int_as_float(0x7f800000))
typedef long long index_t;
typedef unsigned short half_word;
typedef unsigned int word;
typedef unsigned long long word64;
HW_FUNCTION float hw_float(word bits) { return __uint_as_float(bits); }
HW_FUNCTION word hw_bits(float value) { return __float_as_uint(value); }
HW_FUNCTION float hw_exp(float x) { return expf(x); }
HW_FUNCTION float hw_rsqrt(float x) { return 1.0f / sqrtf(x); }
#else
#define HW_KERNEL __kernel void
#define HW_FUNCTION static inline
#define HW_GLOBAL __global
#define HW_LOCAL __local
#define HW_LOCAL_POINTER __local
#define HW_RESTRICT restrict
#define HW_BARRIER() barrier(CLK_LOCAL_MEM_FENCE)
#define HW_GROUP_X ((int)get_group_id(0))
#define HW_GROUP_Y ((int)get_group_id(1))
#define HW_GROUP_Z ((int)get_group_id(2))
#define HW_THREAD ((int)get_local_id(0))
#define HW_INFINITY INFINITY
typedef long index_t;
typedef ushort half_word;
typedef uint word;
typedef ulong word64;
HW_FUNCTION float hw_float(word bits) { return as_float(bits); }
HW_FUNCTION word hw_bits(float value) { return as_uint(value); }
HW_FUNCTION float hw_exp(float x) { return exp(x); }
HW_FUNCTION float hw_rsqrt(float x) { return 1.0f / sqrt(x); }
#endif

#if HW_BF16
typedef half_word elem_t;
HW_FUNCTION float hw_load(HW_GLOBAL const elem_t *p, index_t i) { return hw_float(((word)p[i]) << 16); }
/* Round to nearest, ties to even; NaN stays NaN. */
HW_FUNCTION void hw_store(HW_GLOBAL elem_t *p, index_t i, float value) {
  word bits = hw_bits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    p[i] = (half_word)((bits >> 16) | 0x40u);
  } else {
    p[i] = (half_word)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
  }
}
#else
typedef float elem_t;
HW_FUNCTION float hw_load(HW_GLOBAL const elem_t *p, index_t i) { return p[i]; }
HW_FUNCTION void hw_store(HW_GLOBAL elem_t *p, index_t i, float value) { p[i] = value; }
#endif
