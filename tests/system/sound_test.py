#!/usr/bin/env python3
"""The speedwatch daemon with the low-cost radar: a recording played as it was made, and a sound card
of alsa-lib's own plugins.

usage: sound_test.py BIN_DIR SOURCE_DIR [PRELOADS_DIR] [test ...]
"""
import pathlib
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from daemon_test import BIN, Case, wait_for  # noqa: E402


class Sound(Case):
    def daemon(self, device, env=None, more=""):
        conf = self.place.config("kit.conf", "kit-1", "speedwatch-iq", more=f"""
[site]
id = great-ayton-1
limit = 30
[session]
autostart = yes
[spool]
telemetry_age = 1 s
[health]
heartbeat = 1 s
[radar]
device = {device}
{more}""")
        return self.place.start(BIN / "speedwatch", "-c", conf, log="kit.log", env=env)

    def recording(self, *options):
        path = self.place.path("road.wav")
        subprocess.run([BIN / "kitsim", "iq", "--out", path, *options], check=True,
                       stdout=subprocess.DEVNULL)
        return path

    def said(self, words):
        wait_for(f"'{words}'", lambda: words in self.place.log("kit.log"))

    def spool(self):
        return subprocess.run([BIN / "moorwatch", "spool", "--events",
                               self.place.path("spool-kit-1")], capture_output=True,
                              text=True).stdout

    def card(self, text):
        """An environment in which ALSA has the devices of `text` and no others."""
        return {"ALSA_CONFIG_PATH": self.place.write("asound.conf", "pcm.nul { type null }\n" + text)}

    def test_vehicles_of_a_recording_reach_the_spool(self):
        truth = self.place.path("truth.csv")
        child = self.daemon(self.recording("--seconds", "30", "--seed", "3", "--truth", truth))
        _, _, way, mph = pathlib.Path(truth).read_text().split("\n")[1].split(",")
        self.said("radar: I/Q module 48000 Hz on ")
        wait_for("the vehicle of the first seconds",
                 lambda: re.search(rf" {way}\s+[\d.]+ mph", self.spool()))
        self.stop(child)
        told = re.search(rf" {way}\s+([\d.]+) mph", self.spool())[1]
        self.assertLess(abs(float(told) - float(mph)), 1.5)  # the angle is not corrected

    def test_a_mono_card_is_refused_with_words(self):
        env = self.card("pcm.mono { type multi slaves.a { pcm nul channels 1 }\n"
                        "           bindings.0 { slave a channel 0 } }\n")
        child = self.daemon("mono", env=env)
        self.said("radar: mono: the sound card records one channel only, which has no direction: "
                  "use one with a stereo line input")
        self.said("fault: ")
        self.assertIsNone(child.poll())
        self.stop(child)

    def test_a_card_that_is_not_there(self):
        child = self.daemon("hw:CARD=radar", env=self.card(""))
        self.said("radar: hw:CARD=radar: there is no such sound card: `arecord -l` lists those")
        self.said("fault: ")
        self.stop(child)

    def test_a_signal_that_is_doubled_or_clips(self):
        child = self.daemon(self.recording("--seconds", "8", "--mono"))
        self.said("both channels carry the same")
        self.said("fault: ")
        wait_for("the fault in the spool", lambda: "radar" in self.spool())
        self.said("the recording has ended")
        self.stop(child)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
