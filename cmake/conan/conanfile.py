"""cmake/conan/conanfile.py: Cordis as a Conan 2 package, of the clone that this lies in: conan create cmake/conan"""
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout


class CordisConan(ConanFile):
    name = "cordis"
    description = "Deep learning for signals in time, header-only C++20"
    license = "MIT"
    topics = ("deep-learning", "autograd", "time-series", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, os.pardir, os.pardir)

    def set_version(self):
        config = load(self, os.path.join(self._root, "include", "cordis", "config.hpp"))
        self.version = ".".join(re.findall(r"^#define CORDIS_VERSION_\w+ (\d+)$", config, re.MULTILINE))

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*"):
            copy(self, pattern, self._root, self.export_sources_folder)

    def layout(self):
        basic_layout(self, src_folder=".")

    def requirements(self):
        self.requires("eigen/[>=3.4 <6]", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration(f"Cordis is written for Linux, not for {self.settings.os}")

    def package_id(self):
        self.info.clear()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.system_libs = ["pthread"]
        self.cpp_info.set_property("cmake_file_name", "cordis")
        self.cpp_info.set_property("cmake_target_name", "cordis::cordis")
        self.cpp_info.set_property("pkg_config_name", "cordis")
