/* iq_file: `kitsim iq`: scenes of physics_scene.h as recordings of a low-cost radar, with the truth
 * beside them.
 *
 * Guarded by tests/tools/passages_wav_test.sh.  Memory: static.  Threads: one. */
#ifndef KITSIM_IQ_FILE_H
#define KITSIM_IQ_FILE_H

/* argv[0] is "iq".  Returns the exit status. */
int iq_file_main(int argc, char **argv);

#endif
